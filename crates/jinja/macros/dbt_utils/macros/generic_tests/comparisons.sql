{# Tests of one table against another. Each selects what fails. #}

{% test equal_rowcount(model, compare_model, group_by_columns=[]) %}
    {{ return(adapter.dispatch('test_equal_rowcount', 'dbt_utils')(model, compare_model, group_by_columns)) }}
{% endtest %}

{% macro default__test_equal_rowcount(model, compare_model, group_by_columns) %}
{{ dbt_utils._row_counts(model, compare_model, group_by_columns) }}
select *, abs(coalesce(count_a, 0) - coalesce(count_b, 0)) as diff_count
from row_counts
where coalesce(count_a, 0) != coalesce(count_b, 0)
{% endmacro %}

{% test fewer_rows_than(model, compare_model, group_by_columns=[]) %}
    {{ return(adapter.dispatch('test_fewer_rows_than', 'dbt_utils')(model, compare_model, group_by_columns)) }}
{% endtest %}

{% macro default__test_fewer_rows_than(model, compare_model, group_by_columns) %}
{{ dbt_utils._row_counts(model, compare_model, group_by_columns) }}
select *, coalesce(count_a, 0) - coalesce(count_b, 0) + 1 as row_count_delta
from row_counts
where coalesce(count_a, 0) >= coalesce(count_b, 0)
{% endmacro %}

{# `row_counts`: how many rows each of the two has, in each group. #}
{% macro _row_counts(model, compare_model, group_by_columns) %}
{%- set keys = group_by_columns | join(', ') -%}
with a as (
    select {{ keys ~ ',' if keys }} 1 as id_dbtutils_test, count(*) as count_a
    from {{ model }}
    {{ 'group by ' ~ keys if keys }}
),
b as (
    select {{ keys ~ ',' if keys }} 1 as id_dbtutils_test, count(*) as count_b
    from {{ compare_model }}
    {{ 'group by ' ~ keys if keys }}
),
row_counts as (
    select
        {%- for key in group_by_columns %}
        a.{{ key }} as {{ key }}_a,
        b.{{ key }} as {{ key }}_b,
        {%- endfor %}
        count_a,
        count_b
    from a
    full join b
        on a.id_dbtutils_test = b.id_dbtutils_test
        {%- for key in group_by_columns %}
        and a.{{ key }} = b.{{ key }}
        {%- endfor %}
)
{% endmacro %}

{% test equality(model, compare_model, compare_columns=None, exclude_columns=None, precision=None) %}
    {{ return(adapter.dispatch('test_equality', 'dbt_utils')(model, compare_model, compare_columns, exclude_columns, precision)) }}
{% endtest %}

{# Rows of either table that the other has not. #}
{% macro default__test_equality(model, compare_model, compare_columns=None, exclude_columns=None, precision=None) %}
{%- if compare_columns and exclude_columns -%}
    {{ exceptions.raise_compiler_error("equality takes compare_columns or exclude_columns, not both") }}
{%- endif -%}
{%- if not execute -%}
    {{ return('') }}
{%- endif -%}
{%- do dbt_utils._is_relation(model, 'test_equality') -%}
{%- set unwanted = (exclude_columns or []) | map('lower') | list -%}
{%- set wanted = (compare_columns or []) | map('lower') | list -%}
{%- set columns = [] -%}
{%- if compare_columns and precision is none -%}
    {%- do columns.extend(compare_columns) -%}
{%- else -%}
    {%- for column in adapter.get_columns_in_relation(model) if column.name | lower not in unwanted and (not wanted or column.name | lower in wanted) -%}
        {%- if precision is not none and (column.is_float() or column.is_numeric()) -%}
            {%- do columns.append('round(cast(' ~ adapter.quote(column.name) ~ ' as ' ~ dbt.type_numeric() ~ '), ' ~ precision ~ ') as ' ~ adapter.quote(column.name)) -%}
        {%- else -%}
            {%- do columns.append(adapter.quote(column.name)) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endif -%}
{%- set list = columns | join(', ') -%}
with a_minus_b as (
    select {{ list }} from {{ model }}
    {{ dbt.except() }}
    select {{ list }} from {{ compare_model }}
),
b_minus_a as (
    select {{ list }} from {{ compare_model }}
    {{ dbt.except() }}
    select {{ list }} from {{ model }}
)
select 'a_minus_b' as which_diff, a_minus_b.* from a_minus_b
union all
select 'b_minus_a' as which_diff, b_minus_a.* from b_minus_a
{% endmacro %}

{% test cardinality_equality(model, column_name, to, field) %}
    {{ return(adapter.dispatch('test_cardinality_equality', 'dbt_utils')(model, column_name, to, field)) }}
{% endtest %}

{% macro default__test_cardinality_equality(model, column_name, to, field) %}
with table_a as (
    select {{ column_name }} as value, count(*) as num_rows
    from {{ model }}
    group by {{ column_name }}
),
table_b as (
    select {{ field }} as value, count(*) as num_rows
    from {{ to }}
    group by {{ field }}
)
select * from (select * from table_a {{ dbt.except() }} select * from table_b) as only_a
union all
select * from (select * from table_b {{ dbt.except() }} select * from table_a) as only_b
{% endmacro %}
