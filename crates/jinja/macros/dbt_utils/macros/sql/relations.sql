{# Relations by the pattern of their names, as SQL's `like` has patterns. They run a query while the model is compiled. #}

{# What the information schema calls each kind, in dbt's words. #}
{% macro get_table_types_sql() -%}
    {{ return(adapter.dispatch('get_table_types_sql', 'dbt_utils')()) }}
{%- endmacro %}

{% macro default__get_table_types_sql() -%}
    case table_type
        when 'BASE TABLE' then 'table'
        when 'EXTERNAL TABLE' then 'external'
        when 'MATERIALIZED VIEW' then 'materializedview'
        else lower(table_type)
    end as {{ adapter.quote('table_type') }}
{%- endmacro %}

{% macro get_tables_by_pattern_sql(schema_pattern, table_pattern, exclude='', database=target.database) -%}
    {{ return(adapter.dispatch('get_tables_by_pattern_sql', 'dbt_utils')(schema_pattern, table_pattern, exclude, database)) }}
{%- endmacro %}

{% macro default__get_tables_by_pattern_sql(schema_pattern, table_pattern, exclude='', database=target.database) -%}
    select distinct
        table_schema as {{ adapter.quote('table_schema') }},
        table_name as {{ adapter.quote('table_name') }},
        {{ dbt_utils.get_table_types_sql() }}
    from {{ database ~ '.' if database and target.type == 'snowflake' }}information_schema.tables
    where lower(table_schema) like lower('{{ schema_pattern }}')
        and lower(table_name) like lower('{{ table_pattern }}')
        {%- if exclude %}
        and lower(table_name) not like lower('{{ exclude }}')
        {%- endif %}
{%- endmacro %}

{% macro get_tables_by_prefix_sql(schema, prefix, exclude='', database=target.database) -%}
    {{ return(adapter.dispatch('get_tables_by_prefix_sql', 'dbt_utils')(schema, prefix, exclude, database)) }}
{%- endmacro %}

{% macro default__get_tables_by_prefix_sql(schema, prefix, exclude='', database=target.database) -%}
    {{ dbt_utils.get_tables_by_pattern_sql(schema_pattern=schema, table_pattern=prefix ~ '%', exclude=exclude, database=database) }}
{%- endmacro %}

{% macro get_relations_by_pattern(schema_pattern, table_pattern, exclude='', database=target.database) -%}
    {{ return(adapter.dispatch('get_relations_by_pattern', 'dbt_utils')(schema_pattern, table_pattern, exclude, database)) }}
{%- endmacro %}

{% macro default__get_relations_by_pattern(schema_pattern, table_pattern, exclude='', database=target.database) -%}
    {{ return(dbt_utils._relations_of(dbt_utils.get_tables_by_pattern_sql(schema_pattern, table_pattern, exclude, database), database)) }}
{%- endmacro %}

{% macro get_relations_by_prefix(schema, prefix, exclude='', database=target.database) -%}
    {{ return(adapter.dispatch('get_relations_by_prefix', 'dbt_utils')(schema, prefix, exclude, database)) }}
{%- endmacro %}

{% macro default__get_relations_by_prefix(schema, prefix, exclude='', database=target.database) -%}
    {{ return(dbt_utils._relations_of(dbt_utils.get_tables_by_prefix_sql(schema, prefix, exclude, database), database)) }}
{%- endmacro %}

{# The answer of such a query as relations, sorted, so that a model's text is the same every time. #}
{% macro _relations_of(query, database) -%}
    {%- set relations = [] -%}
    {%- if execute -%}
        {%- set found = run_query('select * from (' ~ query ~ ') as found order by 1, 2') -%}
        {%- for row in found.rows -%}
            {%- do relations.append(api.Relation.create(database=database, schema=row[0], identifier=row[1], type=row[2])) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(relations) }}
{%- endmacro %}
