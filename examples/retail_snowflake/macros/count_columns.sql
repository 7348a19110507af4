{#- How many columns a relation has, by way of Snowflake's `describe table`. -#}
{% macro count_described_columns(relation) -%}
    {%- if not execute -%}{{ return(0) }}{%- endif -%}
    {{ return(run_query('describe table ' ~ relation).rows | length) }}
{%- endmacro %}

{#- The names of a relation's columns in order, in lower case. -#}
{% macro column_names(relation) -%}
    {%- set names = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do names.append(column.name | lower) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}

{#- How many tables and views a schema holds, by `show`. -#}
{% macro count_shown_tables(relation) -%}
    {%- if not execute -%}{{ return(0) }}{%- endif -%}
    {{ return(run_query('show tables in schema ' ~ relation.database ~ '.' ~ relation.schema).rows | length) }}
{%- endmacro %}
