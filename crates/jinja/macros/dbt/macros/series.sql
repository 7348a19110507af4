{# Rows out of nothing: numbers and dates. #}

{% macro generate_series(upper_bound) -%}
    {{ return(adapter.dispatch('generate_series', 'dbt')(upper_bound)) }}
{%- endmacro %}

{% macro default__generate_series(upper_bound) -%}
    select unnest(generate_series(1, {{ upper_bound }})) as generated_number
{%- endmacro %}

{# How many times 2 must be doubled to reach the bound; projects written for other engines ask for it. #}
{% macro get_powers_of_two(upper_bound) -%}
    {%- if upper_bound <= 0 -%}
        {{ exceptions.raise_compiler_error('upper bound must be positive') }}
    {%- endif -%}
    {%- set ns = namespace(powers=1) -%}
    {%- for _ in range(1, 100) if 2 ** loop.index < upper_bound -%}
        {%- set ns.powers = loop.index + 1 -%}
    {%- endfor -%}
    {{ return(ns.powers) }}
{%- endmacro %}

{% macro get_intervals_between(start_date, end_date, datepart) -%}
    {%- if not execute -%}
        {{ return(1) }}
    {%- endif -%}
    {%- set found = run_query('select ' ~ dbt.datediff(start_date, end_date, datepart) ~ ' as intervals') -%}
    {{ return(found.columns[0].values()[0]) }}
{%- endmacro %}

{% macro date_spine(datepart, start_date, end_date) -%}
    {{ return(adapter.dispatch('date_spine', 'dbt')(datepart, start_date, end_date)) }}
{%- endmacro %}

{# From the start up to, not including, the end. No query is run to find out how many rows that is. #}
{% macro default__date_spine(datepart, start_date, end_date) -%}
    select {{ dbt.dateadd(datepart, 'spine.step', start_date) }} as date_{{ datepart }}
    from (
        select unnest(range(0, {{ dbt.datediff(start_date, end_date, datepart) }})) as step
    ) as spine
{%- endmacro %}
