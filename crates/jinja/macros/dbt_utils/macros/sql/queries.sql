{# Answers of a query as values. They run while the model is compiled. #}

{% macro get_single_value(query, default=none) -%}
    {{ return(adapter.dispatch('get_single_value', 'dbt_utils')(query, default)) }}
{%- endmacro %}

{% macro default__get_single_value(query, default=none) -%}
    {%- if not execute -%}
        {{ return(default) }}
    {%- endif -%}
    {%- set values = run_query(query).columns[0].values() | list -%}
    {{ return(values[0] if values | length > 0 and values[0] is not none else default) }}
{%- endmacro %}

{% macro get_query_results_as_dict(query) -%}
    {{ return(adapter.dispatch('get_query_results_as_dict', 'dbt_utils')(query)) }}
{%- endmacro %}

{% macro default__get_query_results_as_dict(query) -%}
    {%- set answer = {} -%}
    {%- if execute -%}
        {%- set table = run_query(query) -%}
        {%- for name in table.column_names -%}
            {%- do answer.update({name: table.columns[name].values()}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(answer) }}
{%- endmacro %}
