{# Columns of a relation. #}

{% macro _is_relation(obj, macro_name) %}
    {%- if obj.identifier is not defined -%}
        {%- do exceptions.raise_compiler_error("Macro " ~ macro_name ~ " expected a Relation but received the value: " ~ obj) -%}
    {%- endif -%}
{% endmacro %}

{% macro _is_ephemeral(obj, macro_name) %}
    {%- if obj.is_cte -%}
        {%- do exceptions.raise_compiler_error("The `" ~ macro_name ~ "` macro cannot be used with ephemeral models, as it relies on the information schema: `" ~ obj.name ~ "` is ephemeral. Consider making it a view or table instead.") -%}
    {%- endif -%}
{% endmacro %}

{% macro get_filtered_columns_in_relation(from, except=[]) -%}
    {{ return(adapter.dispatch('get_filtered_columns_in_relation', 'dbt_utils')(from, except)) }}
{%- endmacro %}

{% macro default__get_filtered_columns_in_relation(from, except=[]) -%}
    {%- do dbt_utils._is_relation(from, 'get_filtered_columns_in_relation') -%}
    {%- do dbt_utils._is_ephemeral(from, 'get_filtered_columns_in_relation') -%}
    {%- if not execute -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set unwanted = except | map('lower') | list -%}
    {%- set kept = [] -%}
    {%- for column in adapter.get_columns_in_relation(from) if column.column | lower not in unwanted -%}
        {%- do kept.append(column.column) -%}
    {%- endfor -%}
    {{ return(kept) }}
{%- endmacro %}

{% macro star(from, relation_alias=False, except=[], prefix='', suffix='', quote_identifiers=True) -%}
    {{ return(adapter.dispatch('star', 'dbt_utils')(from, relation_alias, except, prefix, suffix, quote_identifiers)) }}
{%- endmacro %}

{% macro default__star(from, relation_alias=False, except=[], prefix='', suffix='', quote_identifiers=True) -%}
    {%- do dbt_utils._is_relation(from, 'star') -%}
    {%- do dbt_utils._is_ephemeral(from, 'star') -%}
    {%- if not execute -%}
        {{ return('*') }}
    {%- endif -%}
    {%- set columns = dbt_utils.get_filtered_columns_in_relation(from, except) -%}
    {%- if columns | length == 0 -%}
        {{ return('/* no columns were returned from the star() macro */') }}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- set name = adapter.quote(column) | trim if quote_identifiers else column -%}
        {%- set source = relation_alias ~ '.' ~ name if relation_alias else name -%}
        {%- if prefix or suffix -%}
            {%- set renamed = prefix ~ column ~ suffix -%}
            {%- set source = source ~ ' as ' ~ (adapter.quote(renamed) | trim if quote_identifiers else renamed) -%}
        {%- endif -%}
        {%- do parts.append(source) -%}
    {%- endfor -%}
    {{ parts | join(',\n  ') }}
{%- endmacro %}

{# The distinct values of a column, the most frequent first. Runs a query while the model is compiled. #}
{% macro get_column_values(table, column, order_by='count(*) desc', max_records=none, default=none, where=none) -%}
    {{ return(adapter.dispatch('get_column_values', 'dbt_utils')(table, column, order_by, max_records, default, where)) }}
{%- endmacro %}

{% macro default__get_column_values(table, column, order_by='count(*) desc', max_records=none, default=none, where=none) -%}
    {%- set fallback = default if default is not none else [] -%}
    {%- if not execute -%}
        {{ return(fallback) }}
    {%- endif -%}
    {%- do dbt_utils._is_ephemeral(table, 'get_column_values') -%}
    {%- set found = adapter.get_relation(table.database, table.schema, table.identifier) -%}
    {%- if found is none -%}
        {%- if default is none -%}
            {{ exceptions.raise_compiler_error("In get_column_values(): relation " ~ table ~ " does not exist and no default value was provided.") }}
        {%- endif -%}
        {%- do log("Relation " ~ table ~ " does not exist. Returning the default value: " ~ default) -%}
        {{ return(default) }}
    {%- endif -%}
    {%- set query -%}
        select {{ column }} as value
        from {{ table }}
        {%- if where is not none %}
        where {{ where }}
        {%- endif %}
        group by {{ column }}
        order by {{ order_by }}
        {%- if max_records is not none %}
        limit {{ max_records }}
        {%- endif %}
    {%- endset -%}
    {%- set values = run_query(query).columns[0].values() | list -%}
    {{ return(values if values | length > 0 else fallback) }}
{%- endmacro %}
