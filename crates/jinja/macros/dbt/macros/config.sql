{# Settings that have more than one source. #}

{% macro is_incremental() %}
    {{ return(builtins.is_incremental()) }}
{% endmacro %}

{% macro should_full_refresh() %}
    {% set own = config.get('full_refresh') %}
    {{ return(flags.FULL_REFRESH if own is none else own) }}
{% endmacro %}

{% macro should_store_failures() %}
    {% set own = config.get('store_failures') %}
    {{ return(flags.STORE_FAILURES if own is none else own) }}
{% endmacro %}

{# The relation of a test, narrowed by the test's `where`. #}
{% macro get_where_subquery(relation) -%}
    {{ return(adapter.dispatch('get_where_subquery', 'dbt')(relation)) }}
{%- endmacro %}

{% macro default__get_where_subquery(relation) -%}
    {%- set condition = config.get('where', '') -%}
    {%- if condition -%}
        {{ return('(select * from ' ~ relation ~ ' where ' ~ condition ~ ') dbt_subquery') }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}
