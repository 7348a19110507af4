{#- One row for each of `days` days from `start` on, in the column `calendar_date`. -#}
{% macro day_spine(start, days) -%}
    {{ return(adapter.dispatch('day_spine', 'retail')(start, days)) }}
{%- endmacro %}

{% macro default__day_spine(start, days) -%}
    {{ exceptions.raise_compiler_error("day_spine is written for Snowflake only") }}
{%- endmacro %}

{% macro snowflake__day_spine(start, days) -%}
    select dateadd(day, seq4(), '{{ start }}'::date) as calendar_date
    from table(generator(rowcount => {{ days }}))
{%- endmacro %}
