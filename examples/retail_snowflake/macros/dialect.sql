{#- The dialect whose macros dispatch chose. -#}
{% macro dialect() -%}
    {{ return(adapter.dispatch('dialect', 'retail')()) }}
{%- endmacro %}

{% macro default__dialect() %}{{ return('other') }}{% endmacro %}
{% macro snowflake__dialect() %}{{ return('snowflake') }}{% endmacro %}
