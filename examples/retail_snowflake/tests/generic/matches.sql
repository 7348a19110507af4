{#- Every value that is not null matches the whole pattern: Snowflake's regexp_like is anchored at both ends. -#}
{% test matches(model, column_name, pattern) %}
select {{ column_name }} from {{ model }}
where {{ column_name }} is not null and not regexp_like({{ column_name }}, '{{ pattern }}')
{% endtest %}
