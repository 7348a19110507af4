{# Lengths, regular expressions and patterns. #}

{% test expect_column_value_lengths_to_equal(model, column_name, value, row_condition=None) %}
    {{ dbt_expectations._fails(model, dbt.length(column_name) ~ ' = ' ~ value, None, row_condition) }}
{% endtest %}

{% test expect_column_value_lengths_to_be_between(model, column_name, min_value=None, max_value=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._fails(model, dbt_expectations._between(dbt.length(column_name), min_value, max_value, strictly), None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_match_regex(model, column_name, regex, row_condition=None, is_raw=False, flags='') %}
    {{ dbt_expectations._fails(model, dbt_expectations._matches(column_name, regex, is_raw, flags), None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_not_match_regex(model, column_name, regex, row_condition=None, is_raw=False, flags='') %}
    {{ dbt_expectations._fails(model, 'not ' ~ dbt_expectations._matches(column_name, regex, is_raw, flags), None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_match_regex_list(model, column_name, regex_list, match_on='any', row_condition=None, is_raw=False, flags='') %}
    {%- set parts = [] -%}
    {%- for regex in regex_list -%}
        {%- do parts.append(dbt_expectations._matches(column_name, regex, is_raw, flags)) -%}
    {%- endfor -%}
    {{ dbt_expectations._fails(model, dbt_expectations._of_list(parts, match_on), None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_not_match_regex_list(model, column_name, regex_list, match_on='any', row_condition=None, is_raw=False, flags='') %}
    {%- set parts = [] -%}
    {%- for regex in regex_list -%}
        {%- do parts.append('not ' ~ dbt_expectations._matches(column_name, regex, is_raw, flags)) -%}
    {%- endfor -%}
    {{ dbt_expectations._fails(model, dbt_expectations._of_list(parts, match_on), None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_match_like_pattern(model, column_name, like_pattern, row_condition=None) %}
    {{ dbt_expectations._fails(model, dbt_expectations._like(column_name, like_pattern), None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_not_match_like_pattern(model, column_name, like_pattern, row_condition=None) %}
    {{ dbt_expectations._fails(model, 'not ' ~ dbt_expectations._like(column_name, like_pattern), None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_match_like_pattern_list(model, column_name, like_pattern_list, match_on='any', row_condition=None) %}
    {%- set parts = [] -%}
    {%- for pattern in like_pattern_list -%}
        {%- do parts.append(dbt_expectations._like(column_name, pattern)) -%}
    {%- endfor -%}
    {{ dbt_expectations._fails(model, dbt_expectations._of_list(parts, match_on), None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_not_match_like_pattern_list(model, column_name, like_pattern_list, match_on='any', row_condition=None) %}
    {%- set parts = [] -%}
    {%- for pattern in like_pattern_list -%}
        {%- do parts.append('not ' ~ dbt_expectations._like(column_name, pattern)) -%}
    {%- endfor -%}
    {{ dbt_expectations._fails(model, dbt_expectations._of_list(parts, match_on), None, row_condition) }}
{% endtest %}

{% macro _like(column, pattern) -%}
    ({{ column }} like {{ dbt.string_literal(dbt.escape_single_quotes(pattern)) }})
{%- endmacro %}

{% macro _of_list(parts, match_on) -%}
    ({{ parts | join(' and ' if match_on == 'all' else ' or ') }})
{%- endmacro %}
