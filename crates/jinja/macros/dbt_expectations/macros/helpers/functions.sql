{# Functions that engines spell in different ways. #}

{% macro median(field) -%}
    {{ dbt_expectations.percentile_cont(field, 0.5) }}
{%- endmacro %}

{% macro percentile_cont(field, quantile, partition=None) -%}
    {{ return(adapter.dispatch('quantile', 'dbt_expectations')(field, quantile, partition)) }}
{%- endmacro %}

{% macro default__quantile(field, quantile, partition) -%}
    percentile_cont({{ quantile }}) within group (order by {{ field }})
    {%- if partition %} over (partition by {{ partition }}){% endif %}
{%- endmacro %}

{# Whether a text holds a match of a regular expression. #}
{% macro _matches(column, regex, is_raw=False, flags='') -%}
    {{ return(adapter.dispatch('matches', 'dbt_expectations')(column, regex, is_raw, flags)) }}
{%- endmacro %}

{% macro default__matches(column, regex, is_raw, flags) -%}
    regexp_like({{ column }}, {{ dbt.string_literal(dbt.escape_single_quotes(regex)) }}{{ ", '" ~ flags ~ "'" if flags }})
{%- endmacro %}

{% macro duckdb__matches(column, regex, is_raw, flags) -%}
    regexp_matches({{ column }}, {{ dbt.string_literal(dbt.escape_single_quotes(regex)) }}{{ ", '" ~ flags ~ "'" if flags }})
{%- endmacro %}

{# Snowflake's regexp_like wants the whole text to match. #}
{% macro snowflake__matches(column, regex, is_raw, flags) -%}
    (regexp_instr({{ column }}, {{ dbt.string_literal(dbt.escape_single_quotes(regex)) }}, 1, 1, 0, '{{ flags }}') > 0)
{%- endmacro %}

{% macro regexp_instr(source_value, regexp, position=1, occurrence=1, is_raw=False, flags='') -%}
    {{ return(adapter.dispatch('regexp_instr', 'dbt_expectations')(source_value, regexp, position, occurrence, is_raw, flags)) }}
{%- endmacro %}

{% macro default__regexp_instr(source_value, regexp, position, occurrence, is_raw, flags) -%}
    regexp_instr({{ source_value }}, {{ dbt.string_literal(dbt.escape_single_quotes(regexp)) }}, {{ position }}, {{ occurrence }})
{%- endmacro %}

{% macro log_natural(x) -%}
    ln({{ x }})
{%- endmacro %}

{% macro group_by(n) -%}
    {{ return(dbt_utils.group_by(n)) }}
{%- endmacro %}
