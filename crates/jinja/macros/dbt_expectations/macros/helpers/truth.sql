{# What the tests are made of: an expression that has to hold, for each row or for each group. #}

{# The rows, or groups, for which the expression is false. Null passes. #}
{% macro _fails(model, expression, group_by_columns=None, row_condition=None) -%}
with grouped_expression as (
    select
        {%- for column in group_by_columns or [] %}
        {{ column }} as col_{{ loop.index }},
        {%- endfor %}
        {{ expression }} as expression
    from {{ model }}
    {{ 'where ' ~ row_condition if row_condition }}
    {{ 'group by ' ~ (group_by_columns | join(', ')) if group_by_columns }}
)
select *
from grouped_expression
where not(expression)
{%- endmacro %}

{# `expression` in a range that may be open at one end. #}
{% macro _between(expression, min_value, max_value, strictly) -%}
    {%- if min_value is none and max_value is none -%}
        {{ exceptions.raise_compiler_error("the test needs min_value, max_value or both") }}
    {%- endif -%}
    (
        1 = 1
        {%- if min_value is not none %} and {{ expression }} >{{ '' if strictly else '=' }} {{ min_value }}{% endif %}
        {%- if max_value is not none %} and {{ expression }} <{{ '' if strictly else '=' }} {{ max_value }}{% endif %}
    )
{%- endmacro %}

{# Values as SQL writes them, with commas between. #}
{% macro _values(value_set, quote_values=True) -%}
    {%- set written = [] -%}
    {%- for value in value_set -%}
        {%- do written.append(dbt.string_literal(dbt.escape_single_quotes(value | string)) if quote_values else value | string) -%}
    {%- endfor -%}
    {{ return(written | join(', ')) }}
{%- endmacro %}

{# One row for each value; a set that is empty has none. #}
{% macro _rows_of(value_set, quote_values, name) -%}
    {%- for value in value_set %}
    select {{ dbt_expectations._values([value], quote_values) }} as {{ name }}
    {{ 'union all' if not loop.last }}
    {%- else %}
    select cast(null as {{ dbt.type_string() }}) as {{ name }} where 1 = 0
    {%- endfor %}
{%- endmacro %}

{# Rows that were found while the test was compiled: one for each text. #}
{% macro _found(texts, name) -%}
    {{ dbt_expectations._rows_of(texts, True, name) }}
{%- endmacro %}

{# Names of a relation's columns, or of a list, in the letters in which they are compared. #}
{% macro _names(columns, transform='upper') -%}
    {%- set names = [] -%}
    {%- for column in columns -%}
        {%- set name = column if column is string else column.name -%}
        {%- do names.append(name | upper if transform == 'upper' else name | lower if transform == 'lower' else name) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{% test expression_is_true(model, expression, test_condition='= true', group_by_columns=None, row_condition=None) %}
    {{ dbt_expectations._fails(model, '(' ~ expression ~ ' ' ~ test_condition ~ ')', group_by_columns, row_condition) }}
{% endtest %}
