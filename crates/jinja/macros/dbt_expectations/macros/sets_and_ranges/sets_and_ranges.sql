{# Values in sets and ranges. #}

{% test expect_column_values_to_be_in_set(model, column_name, value_set, quote_values=True, row_condition=None) %}
    {{ dbt_expectations._fails(model, column_name ~ ' in (' ~ dbt_expectations._values(value_set, quote_values) ~ ')', None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_not_be_in_set(model, column_name, value_set, quote_values=True, row_condition=None) %}
    {{ dbt_expectations._fails(model, column_name ~ ' not in (' ~ dbt_expectations._values(value_set, quote_values) ~ ')', None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_be_between(model, column_name, min_value=None, max_value=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._fails(model, dbt_expectations._between(column_name, min_value, max_value, strictly), None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_be_increasing(model, column_name, sort_column=None, strictly=True, row_condition=None, group_by=None, step=None) %}
    {{ dbt_expectations._in_order(model, column_name, sort_column, strictly, row_condition, group_by, '>', step) }}
{% endtest %}

{% test expect_column_values_to_be_decreasing(model, column_name, sort_column=None, strictly=True, row_condition=None, group_by=None, step=None) %}
    {{ dbt_expectations._in_order(model, column_name, sort_column, strictly, row_condition, group_by, '<', step) }}
{% endtest %}

{# Rows that do not follow on the one before them. With a step, each is exactly so far from it. #}
{% macro _in_order(model, column_name, sort_column, strictly, row_condition, group_by, operator, step) -%}
{%- set keys = group_by or [] -%}
with all_values as (
    select
        {{ sort_column if sort_column else column_name }} as sort_column,
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        {{ column_name }} as value_field
    from {{ model }}
    {{ 'where ' ~ row_condition if row_condition }}
),
add_lag_values as (
    select
        sort_column,
        value_field,
        lag(value_field) over ({{ 'partition by ' ~ (keys | join(', ')) if keys }} order by sort_column) as value_field_lag
    from all_values
)
select *
from add_lag_values
where value_field_lag is not null
    {%- if step %}
    and not (value_field - value_field_lag = {{ step if operator == '>' else step * -1 }})
    {%- else %}
    and not (value_field {{ operator }}{{ '' if strictly else '=' }} value_field_lag)
    {%- endif %}
{%- endmacro %}
