{# Rows out of nothing. The engine's own way of doing it comes with dbt's macros of the same names. #}

{% macro get_powers_of_two(upper_bound) -%}
    {{ return(dbt.get_powers_of_two(upper_bound)) }}
{%- endmacro %}

{% macro generate_series(upper_bound) -%}
    {{ return(adapter.dispatch('generate_series', 'dbt_utils')(upper_bound)) }}
{%- endmacro %}

{% macro default__generate_series(upper_bound) -%}
    {{ dbt.generate_series(upper_bound) }}
{%- endmacro %}

{% macro date_spine(datepart, start_date, end_date) -%}
    {{ return(adapter.dispatch('date_spine', 'dbt_utils')(datepart, start_date, end_date)) }}
{%- endmacro %}

{# One row per part in a column date_<part>, from the start up to, not including, the end. #}
{% macro default__date_spine(datepart, start_date, end_date) -%}
    {{ dbt.date_spine(datepart, start_date, end_date) }}
{%- endmacro %}
