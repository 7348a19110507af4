{# How many rows a table has, how recent they are, and what comes out of them in two tables. #}

{% test expect_table_row_count_to_be_between(model, min_value=None, max_value=None, group_by=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._fails(model, dbt_expectations._between('count(*)', min_value, max_value, strictly), group_by, row_condition) }}
{% endtest %}

{% test expect_table_row_count_to_equal(model, value, group_by=None, row_condition=None) %}
    {{ dbt_expectations._fails(model, 'count(*) = ' ~ value, group_by, row_condition) }}
{% endtest %}

{% test expect_table_row_count_to_equal_other_table(model, compare_model, group_by=None, compare_group_by=None, factor=1, row_condition=None, compare_row_condition=None) %}
    {{ dbt_expectations.test_expect_table_aggregation_to_equal_other_table(
        model, 'count(*)', compare_model, 'count(*) * ' ~ factor, group_by, compare_group_by, row_condition, compare_row_condition
    ) }}
{% endtest %}

{% test expect_table_row_count_to_equal_other_table_times_factor(model, compare_model, factor, group_by=None, compare_group_by=None, row_condition=None, compare_row_condition=None) %}
    {{ dbt_expectations.test_expect_table_row_count_to_equal_other_table(
        model, compare_model, group_by, compare_group_by, factor, row_condition, compare_row_condition
    ) }}
{% endtest %}

{# Groups of one table that the other has not fail, too. #}
{% test expect_table_aggregation_to_equal_other_table(model, expression, compare_model, compare_expression=None, group_by=None, compare_group_by=None, row_condition=None, compare_row_condition=None, tolerance=0.0, tolerance_percent=None) %}
{%- set keys = group_by or [] -%}
{%- set other_keys = compare_group_by or keys -%}
{%- if keys | length != other_keys | length -%}
    {{ exceptions.raise_compiler_error("group_by and compare_group_by must name the same number of columns") }}
{%- endif -%}
with a as (
    select
        {%- for key in keys %}
        {{ key }} as col_{{ loop.index }},
        {%- endfor %}
        {{ expression }} as expression
    from {{ model }}
    {{ 'where ' ~ row_condition if row_condition }}
    {{ 'group by ' ~ (keys | join(', ')) if keys }}
),
b as (
    select
        {%- for key in other_keys %}
        {{ key }} as col_{{ loop.index }},
        {%- endfor %}
        {{ compare_expression if compare_expression else expression }} as expression
    from {{ compare_model }}
    {{ 'where ' ~ compare_row_condition if compare_row_condition }}
    {{ 'group by ' ~ (other_keys | join(', ')) if other_keys }}
),
compared as (
    select
        {%- for key in keys %}
        coalesce(a.col_{{ loop.index }}, b.col_{{ loop.index }}) as col_{{ loop.index }},
        {%- endfor %}
        a.expression as expression,
        b.expression as compare_expression,
        abs(coalesce(a.expression, 0) - coalesce(b.expression, 0)) as expression_difference
        {%- if tolerance_percent %},
        abs(coalesce(a.expression, 0) - coalesce(b.expression, 0)) * 1.0 / nullif(a.expression, 0) as expression_difference_percent
        {%- endif %}
    from a
    {% if keys -%}
    full join b
        on {% for key in keys %}a.col_{{ loop.index }} = b.col_{{ loop.index }}{{ ' and ' if not loop.last }}{% endfor %}
    {%- else -%}
    cross join b
    {%- endif %}
)
select *
from compared
where
    {%- if tolerance_percent %}
    expression_difference_percent > {{ tolerance_percent }}
    {%- else %}
    expression_difference > {{ tolerance }}
    {%- endif %}
{% endtest %}

{# The newest row lies not further back than so many periods, and not in the future. #}
{% test expect_row_values_to_have_recent_data(model, column_name, datepart, interval, row_condition=None) %}
with max_recency as (
    select max(cast({{ column_name }} as {{ dbt.type_timestamp() }})) as max_timestamp
    from {{ model }}
    where cast({{ column_name }} as {{ dbt.type_timestamp() }}) <= cast({{ dbt_date.now() }} as {{ dbt.type_timestamp() }})
    {{ 'and ' ~ row_condition if row_condition }}
)
select *
from max_recency
where max_timestamp is null
    or max_timestamp < cast({{ dbt.dateadd(datepart, interval * -1, dbt_date.now()) }} as {{ dbt.type_timestamp() }})
{% endtest %}

{% test expect_grouped_row_values_to_have_recent_data(model, group_by, timestamp_column, datepart, interval, row_condition=None) %}
with latest_grouped_timestamps as (
    select
        {%- for key in group_by %}
        {{ key }},
        {%- endfor %}
        max(cast({{ timestamp_column }} as {{ dbt.type_timestamp() }})) as latest_timestamp_column
    from {{ model }}
    where cast({{ timestamp_column }} as {{ dbt.type_timestamp() }}) <= cast({{ dbt_date.now() }} as {{ dbt.type_timestamp() }})
    {{ 'and ' ~ row_condition if row_condition }}
    group by {{ group_by | join(', ') }}
),
{#- A table without rows fails as a whole. #}
total_row_counts as (
    select count(*) as row_count from latest_grouped_timestamps
)
select cast(latest_timestamp_column as {{ dbt.type_string() }}) as failure
from latest_grouped_timestamps
where latest_timestamp_column < cast({{ dbt.dateadd(datepart, interval * -1, dbt_date.now()) }} as {{ dbt.type_timestamp() }})
union all
select 'there are no rows' as failure
from total_row_counts
where row_count = 0
{% endtest %}
