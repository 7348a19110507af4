{#-
  One number over another to `scale` digits, null where the denominator is zero or null.
  Dispatched: Snowflake divides numbers exactly, most engines have to leave the integers first.
-#}
{% macro ratio(numerator, denominator, scale=4) -%}
    {{ return(adapter.dispatch('ratio', 'retail')(numerator, denominator, scale)) }}
{%- endmacro %}

{% macro default__ratio(numerator, denominator, scale) -%}
    round(cast(({{ numerator }}) as double precision) / nullif(({{ denominator }}), 0), {{ scale }})
{%- endmacro %}

{% macro snowflake__ratio(numerator, denominator, scale) -%}
    round(iff(nvl({{ denominator }}, 0) = 0, null, ({{ numerator }}) / ({{ denominator }})), {{ scale }})::number(18, {{ scale }})
{%- endmacro %}
