{#- Rows whose instant is not after `var('as_of')`. -#}
{% macro known_by(instant) -%}
    {{ instant }} <= '{{ var("as_of") }}'::timestamp_ntz
{%- endmacro %}
