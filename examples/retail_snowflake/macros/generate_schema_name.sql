{#- A custom schema is used as it is (`marts`), not behind the target's schema (`analytics_marts`). -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
