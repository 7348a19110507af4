{# Parts of a URL. #}

{% macro get_url_parameter(field, url_parameter) -%}
    {{ return(adapter.dispatch('get_url_parameter', 'dbt_utils')(field, url_parameter)) }}
{%- endmacro %}

{% macro default__get_url_parameter(field, url_parameter) -%}
    nullif({{ dbt.split_part(dbt.split_part(field, "'" ~ url_parameter ~ "='", 2), "'&'", 1) }}, '')
{%- endmacro %}

{% macro get_url_host(field) -%}
    {{ return(adapter.dispatch('get_url_host', 'dbt_utils')(field)) }}
{%- endmacro %}

{% macro default__get_url_host(field) -%}
    {%- set bare = dbt.replace(dbt.replace(dbt.replace(field, "'android-app://'", "''"), "'http://'", "''"), "'https://'", "''") -%}
    cast({{ dbt.split_part(dbt.split_part(bare, "'/'", 1), "'?'", 1) }} as {{ dbt.type_string() }})
{%- endmacro %}

{% macro get_url_path(field) -%}
    {{ return(adapter.dispatch('get_url_path', 'dbt_utils')(field)) }}
{%- endmacro %}

{% macro default__get_url_path(field) -%}
    {%- set bare = dbt.replace(dbt.replace(field, "'http://'", "''"), "'https://'", "''") -%}
    {%- set path = "case when strpos(" ~ bare ~ ", '/') = 0 then '' else substr(" ~ bare ~ ", strpos(" ~ bare ~ ", '/') + 1) end" -%}
    cast(nullif({{ dbt.split_part(path, "'?'", 1) }}, '') as {{ dbt.type_string() }})
{%- endmacro %}
