{# Tests of whole tables, or of each group of their rows. Each selects what fails. #}

{% test not_null_proportion(model, group_by_columns=[]) %}
    {{ return(adapter.dispatch('test_not_null_proportion', 'dbt_utils')(model, group_by_columns, **kwargs)) }}
{% endtest %}

{% macro default__test_not_null_proportion(model, group_by_columns) %}
{%- set column_name = kwargs.get('column_name', kwargs.get('arg')) -%}
{%- set at_least = kwargs.get('at_least', kwargs.get('arg')) -%}
{%- set at_most = kwargs.get('at_most', kwargs.get('arg', 1)) -%}
{%- set keys = group_by_columns | join(', ') -%}
with validation as (
    select
        {{ keys ~ ',' if keys }}
        sum(case when {{ column_name }} is null then 0 else 1 end) / cast(count(*) as {{ dbt.type_float() }}) as not_null_proportion
    from {{ model }}
    {{ 'group by ' ~ keys if keys }}
)
select {{ keys ~ ',' if keys }} not_null_proportion
from validation
where not_null_proportion < {{ at_least }} or not_null_proportion > {{ at_most }}
{% endmacro %}

{% test recency(model, field, datepart, interval, ignore_time_component=False, group_by_columns=[]) %}
    {{ return(adapter.dispatch('test_recency', 'dbt_utils')(model, field, datepart, interval, ignore_time_component, group_by_columns)) }}
{% endtest %}

{% macro default__test_recency(model, field, datepart, interval, ignore_time_component, group_by_columns) %}
{%- set keys = group_by_columns | join(', ') -%}
{%- set type = 'date' if ignore_time_component else dbt.type_timestamp() -%}
{%- set threshold = 'cast(' ~ dbt.dateadd(datepart, interval * -1, dbt.current_timestamp()) ~ ' as ' ~ type ~ ')' -%}
with recency as (
    select
        {{ keys ~ ',' if keys }}
        max(cast({{ field }} as {{ type }})) as most_recent
    from {{ model }}
    {{ 'group by ' ~ keys if keys }}
)
select
    {{ keys ~ ',' if keys }}
    most_recent,
    {{ threshold }} as threshold
from recency
where most_recent < {{ threshold }}
{% endmacro %}

{% test at_least_one(model, column_name, group_by_columns=[]) %}
    {{ return(adapter.dispatch('test_at_least_one', 'dbt_utils')(model, column_name, group_by_columns)) }}
{% endtest %}

{% macro default__test_at_least_one(model, column_name, group_by_columns) %}
{%- set keys = group_by_columns | join(', ') -%}
select {{ keys ~ ',' if keys }} count({{ column_name }}) as filler_column
from {{ model }}
{{ 'group by ' ~ keys if keys }}
having count({{ column_name }}) = 0
{% endmacro %}

{% test not_constant(model, column_name, group_by_columns=[]) %}
    {{ return(adapter.dispatch('test_not_constant', 'dbt_utils')(model, column_name, group_by_columns)) }}
{% endtest %}

{% macro default__test_not_constant(model, column_name, group_by_columns) %}
{%- set keys = group_by_columns | join(', ') -%}
select {{ keys ~ ',' if keys }} count(distinct {{ column_name }}) as filler_column
from {{ model }}
{{ 'group by ' ~ keys if keys }}
having count(distinct {{ column_name }}) = 1
{% endmacro %}

{% test sequential_values(model, column_name, interval=1, datepart=None, group_by_columns=[]) %}
    {{ return(adapter.dispatch('test_sequential_values', 'dbt_utils')(model, column_name, interval, datepart, group_by_columns)) }}
{% endtest %}

{% macro default__test_sequential_values(model, column_name, interval=1, datepart=None, group_by_columns=[]) %}
{%- set keys = group_by_columns | join(', ') -%}
{%- set previous = 'previous_' ~ dbt_utils.slugify(column_name) -%}
{%- if datepart -%}
    {%- set expected = dbt.dateadd(datepart, interval, previous) -%}
    {%- set failed = 'cast(' ~ column_name ~ ' as ' ~ dbt.type_timestamp() ~ ') != cast(' ~ expected ~ ' as ' ~ dbt.type_timestamp() ~ ')' -%}
{%- else -%}
    {%- set failed = column_name ~ ' != ' ~ previous ~ ' + ' ~ interval -%}
{%- endif -%}
with windowed as (
    select
        {{ keys ~ ',' if keys }}
        {{ column_name }},
        lag({{ column_name }}) over ({{ 'partition by ' ~ keys if keys }} order by {{ column_name }}) as {{ previous }}
    from {{ model }}
)
select *
from windowed
where {{ previous }} is not null and {{ failed }}
{% endmacro %}

{% test mutually_exclusive_ranges(model, lower_bound_column, upper_bound_column, partition_by=None, gaps='allowed', zero_length_range_allowed=False) %}
    {{ return(adapter.dispatch('test_mutually_exclusive_ranges', 'dbt_utils')(model, lower_bound_column, upper_bound_column, partition_by, gaps, zero_length_range_allowed)) }}
{% endtest %}

{% macro default__test_mutually_exclusive_ranges(model, lower_bound_column, upper_bound_column, partition_by=None, gaps='allowed', zero_length_range_allowed=False) %}
{%- set operators = {'not_allowed': '=', 'allowed': '<=', 'required': '<'} -%}
{%- if gaps not in operators -%}
    {{ exceptions.raise_compiler_error("gaps must be one of ['not_allowed', 'allowed', 'required'], not '" ~ gaps ~ "'") }}
{%- endif -%}
{%- set partition = 'partition by ' ~ partition_by if partition_by else '' -%}
with window_functions as (
    select
        {{ partition_by ~ ' as partition_by_col,' if partition_by }}
        {{ lower_bound_column }} as lower_bound,
        {{ upper_bound_column }} as upper_bound,
        lead({{ lower_bound_column }}) over ({{ partition }} order by {{ lower_bound_column }}, {{ upper_bound_column }}) as next_lower_bound,
        row_number() over ({{ partition }} order by {{ lower_bound_column }} desc, {{ upper_bound_column }} desc) = 1 as is_last_record
    from {{ model }}
),
calc as (
    select
        *,
        coalesce(lower_bound <{{ '=' if zero_length_range_allowed }} upper_bound, false) as lower_bound_below_upper_bound,
        {#- Only the last range may be open; its successor is not there. #}
        coalesce(upper_bound {{ operators[gaps] }} next_lower_bound, is_last_record, false) as upper_bound_before_next_lower_bound
    from window_functions
)
select *
from calc
where not (
    (lower_bound_below_upper_bound or (upper_bound is null and is_last_record))
    and (upper_bound_before_next_lower_bound or is_last_record)
)
{% endmacro %}
