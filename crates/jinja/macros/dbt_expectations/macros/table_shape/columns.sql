{# Which columns a table has. The columns are asked for while the test is compiled. #}

{# Each text is one failure: columns that are missing, or too many. #}
{% macro _columns_found(model) -%}
    {{ return(adapter.get_columns_in_relation(model) if execute else []) }}
{%- endmacro %}

{% test expect_column_to_exist(model, column_name, column_index=None, transform='upper') %}
    {%- if execute -%}
        {%- set names = dbt_expectations._names(dbt_expectations._columns_found(model), transform) -%}
        {%- set name = dbt_expectations._names([column_name], transform)[0] -%}
        {%- set found = [] -%}
        {%- if name not in names -%}
            {%- do found.append(name ~ ' is not there') -%}
        {%- elif column_index is not none and names.index(name) != column_index - 1 -%}
            {%- do found.append(name ~ ' is column ' ~ (names.index(name) + 1)) -%}
        {%- endif -%}
        {{ dbt_expectations._found(found, 'relation_column') }}
    {%- endif -%}
{% endtest %}

{% test expect_table_columns_to_contain_set(model, column_list, transform='upper') %}
    {%- if execute -%}
        {%- set names = dbt_expectations._names(dbt_expectations._columns_found(model), transform) -%}
        {{ dbt_expectations._found(dbt_expectations._names(column_list, transform) | reject('in', names) | list, 'missing_column') }}
    {%- endif -%}
{% endtest %}

{% test expect_table_columns_to_not_contain_set(model, column_list, transform='upper') %}
    {%- if execute -%}
        {%- set names = dbt_expectations._names(dbt_expectations._columns_found(model), transform) -%}
        {{ dbt_expectations._found(dbt_expectations._names(column_list, transform) | select('in', names) | list, 'unwanted_column') }}
    {%- endif -%}
{% endtest %}

{% test expect_table_columns_to_match_set(model, column_list, transform='upper') %}
    {%- if execute -%}
        {%- set names = dbt_expectations._names(dbt_expectations._columns_found(model), transform) -%}
        {%- set wanted = dbt_expectations._names(column_list, transform) -%}
        {{ dbt_expectations._found((wanted | reject('in', names) | list) + (names | reject('in', wanted) | list), 'unmatched_column') }}
    {%- endif -%}
{% endtest %}

{% test expect_table_columns_to_match_ordered_list(model, column_list, transform='upper') %}
    {%- if execute -%}
        {%- set names = dbt_expectations._names(dbt_expectations._columns_found(model), transform) -%}
        {%- set wanted = dbt_expectations._names(column_list, transform) -%}
        {%- set found = [] -%}
        {%- for position in range([names | length, wanted | length] | max) -%}
            {%- if names[position] != wanted[position] -%}
                {%- do found.append('column ' ~ (position + 1) ~ ' is ' ~ (names[position] | default('not there')) ~ ', not ' ~ (wanted[position] | default('wanted'))) -%}
            {%- endif -%}
        {%- endfor -%}
        {{ dbt_expectations._found(found, 'unmatched_column') }}
    {%- endif -%}
{% endtest %}

{% test expect_table_column_count_to_be_between(model, min_value=None, max_value=None) %}
    {%- if min_value is none and max_value is none -%}
        {{ exceptions.raise_compiler_error("the test needs min_value, max_value or both") }}
    {%- endif -%}
    {%- if execute -%}
        {%- set count = dbt_expectations._columns_found(model) | length -%}
        {%- set fails = (min_value is not none and count < min_value) or (max_value is not none and count > max_value) -%}
        {{ dbt_expectations._found([count ~ ' columns'] if fails else [], 'column_count') }}
    {%- endif -%}
{% endtest %}

{% test expect_table_column_count_to_equal(model, value) %}
    {{ dbt_expectations.test_expect_table_column_count_to_be_between(model, value, value) }}
{% endtest %}

{% test expect_table_column_count_to_equal_other_table(model, compare_model) %}
    {%- if execute -%}
        {%- set count = dbt_expectations._columns_found(model) | length -%}
        {%- set other = dbt_expectations._columns_found(compare_model) | length -%}
        {{ dbt_expectations._found([count ~ ' columns, not ' ~ other] if count != other else [], 'column_count') }}
    {%- endif -%}
{% endtest %}
