{# How values are spread, and gaps in time. #}

{# Sums of each group that lie further than so many standard deviations from the mean of all. #}
{% test expect_column_values_to_be_within_n_stdevs(model, column_name, group_by=None, sigma_threshold=3) %}
with metric_values as (
    select
        {{ group_by ~ ' as metric_group,' if group_by }}
        {{ 'sum(' ~ column_name ~ ')' if group_by else column_name }} as metric_value
    from {{ model }}
    {{ 'group by ' ~ group_by if group_by }}
),
metric_sigmas as (
    select
        m.*,
        (metric_value - avg(metric_value) over ()) * 1.0 / nullif(stddev(metric_value) over (), 0) as metric_value_sigma
    from metric_values as m
)
select *
from metric_sigmas
where not (abs(metric_value_sigma) <= {{ sigma_threshold }})
{% endtest %}

{# Periods between the first and the last date, or between the dates that are given, without any row. #}
{% test expect_row_values_to_have_data_for_every_n_datepart(model, date_col, date_part='day', interval=None, row_condition=None, exclusion_condition=None, test_start_date=None, test_end_date=None) %}
{%- if execute -%}
    {%- set step = interval if interval else 1 -%}
    {%- set bounds = namespace(first=test_start_date, last=test_end_date) -%}
    {%- if not bounds.first or not bounds.last -%}
        {%- set found = run_query(
            'select cast(min(cast(' ~ date_col ~ ' as date)) as ' ~ dbt.type_string() ~ '), cast(max(cast(' ~ date_col ~ ' as date)) as ' ~ dbt.type_string() ~ ') from ' ~ model
            ~ (' where ' ~ row_condition if row_condition else '')
        ) -%}
        {%- set bounds.first = bounds.first if bounds.first else found.rows[0][0] -%}
        {%- set bounds.last = bounds.last if bounds.last else found.rows[0][1] -%}
    {%- endif -%}
    {%- if not bounds.first -%}
        {{ dbt_expectations._found([], 'date_' ~ date_part) }}
    {%- else %}
{%- set first = "cast('" ~ bounds.first ~ "' as " ~ dbt.type_timestamp() ~ ")" %}
with base_dates as (
    {{ dbt.date_spine(date_part, first, dbt.dateadd(date_part, 1, "cast('" ~ bounds.last ~ "' as " ~ dbt.type_timestamp() ~ ")")) }}
),
wanted as (
    select cast({{ dbt.date_trunc(date_part, 'date_' ~ date_part) }} as date) as date_{{ date_part }}
    from base_dates
    where ({{ dbt.datediff(first, 'date_' ~ date_part, date_part) }}) % {{ step }} = 0
    {{ 'and ' ~ exclusion_condition if exclusion_condition }}
),
counted as (
    select
        {#- Dates count for the period that they are in. #}
        cast({{ dbt.dateadd(date_part, '-1 * ((' ~ dbt.datediff(first, 'cast(' ~ date_col ~ ' as ' ~ dbt.type_timestamp() ~ ')', date_part) ~ ') % ' ~ step ~ ')', dbt.date_trunc(date_part, 'cast(' ~ date_col ~ ' as ' ~ dbt.type_timestamp() ~ ')')) }} as date) as date_{{ date_part }},
        count(*) as row_cnt
    from {{ model }}
    {{ 'where ' ~ row_condition if row_condition }}
    group by 1
)
select wanted.date_{{ date_part }}
from wanted
left join counted on wanted.date_{{ date_part }} = counted.date_{{ date_part }}
where coalesce(counted.row_cnt, 0) = 0
    {%- endif -%}
{%- endif -%}
{% endtest %}
