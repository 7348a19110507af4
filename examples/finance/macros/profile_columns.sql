{#- What users tell about themselves. A change in any of these is a new version of the user. -#}
{% macro profile_columns() -%}
    {{ return([
        'first_name', 'last_name', 'email', 'age', 'income_bracket', 'customer_tier', 'risk_profile',
        'city', 'state', 'country', 'registration_date', 'preferred_categories', 'is_active', 'source_system',
    ]) }}
{%- endmacro %}
