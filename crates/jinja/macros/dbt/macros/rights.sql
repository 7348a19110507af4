{# Rights, comments and indexes. The embedded warehouse keeps none; the statements are what other warehouses are sent. #}

{% macro copy_grants() %}
    {{ return(adapter.dispatch('copy_grants', 'dbt')()) }}
{% endmacro %}

{% macro default__copy_grants() %}
    {{ return(true) }}
{% endmacro %}

{% macro support_multiple_grantees_per_dcl_statement() %}
    {{ return(adapter.dispatch('support_multiple_grantees_per_dcl_statement', 'dbt')()) }}
{% endmacro %}

{% macro default__support_multiple_grantees_per_dcl_statement() %}
    {{ return(true) }}
{% endmacro %}

{# Rights on a relation that was there before must be taken away only where they were kept. #}
{% macro should_revoke(existing_relation, full_refresh_mode=true) %}
    {% if not existing_relation %}
        {{ return(false) }}
    {% endif %}
    {{ return(copy_grants() if full_refresh_mode else true) }}
{% endmacro %}

{% macro get_show_grant_sql(relation) %}
    {{ return(adapter.dispatch('get_show_grant_sql', 'dbt')(relation)) }}
{% endmacro %}

{% macro default__get_show_grant_sql(relation) %}
    select cast(null as varchar) as grantee, cast(null as varchar) as privilege_type where false
{% endmacro %}

{% macro get_grant_sql(relation, privilege, grantees) %}
    {{ return(adapter.dispatch('get_grant_sql', 'dbt')(relation, privilege, grantees)) }}
{% endmacro %}

{%- macro default__get_grant_sql(relation, privilege, grantees) -%}
    grant {{ privilege }} on {{ relation }} to {{ grantees | join(', ') }}
{%- endmacro -%}

{% macro get_revoke_sql(relation, privilege, grantees) %}
    {{ return(adapter.dispatch('get_revoke_sql', 'dbt')(relation, privilege, grantees)) }}
{% endmacro %}

{%- macro default__get_revoke_sql(relation, privilege, grantees) -%}
    revoke {{ privilege }} on {{ relation }} from {{ grantees | join(', ') }}
{%- endmacro -%}

{% macro get_dcl_statement_list(relation, grant_config, get_dcl_macro) %}
    {{ return(adapter.dispatch('get_dcl_statement_list', 'dbt')(relation, grant_config, get_dcl_macro)) }}
{% endmacro %}

{% macro default__get_dcl_statement_list(relation, grant_config, get_dcl_macro) %}
    {% set statements = [] %}
    {% for privilege, grantees in grant_config.items() if grantees %}
        {% if support_multiple_grantees_per_dcl_statement() %}
            {% do statements.append(get_dcl_macro(relation, privilege, grantees)) %}
        {% else %}
            {% for grantee in grantees %}
                {% do statements.append(get_dcl_macro(relation, privilege, [grantee])) %}
            {% endfor %}
        {% endif %}
    {% endfor %}
    {{ return(statements) }}
{% endmacro %}

{% macro call_dcl_statements(dcl_statement_list) %}
    {{ return(adapter.dispatch('call_dcl_statements', 'dbt')(dcl_statement_list)) }}
{% endmacro %}

{% macro default__call_dcl_statements(dcl_statement_list) %}
    {% call statement('grants') %}
        {% for statement in dcl_statement_list %}{{ statement }}; {% endfor %}
    {% endcall %}
{% endmacro %}

{% macro apply_grants(relation, grant_config, should_revoke=true) %}
    {{ return(adapter.dispatch('apply_grants', 'dbt')(relation, grant_config, should_revoke)) }}
{% endmacro %}

{% macro default__apply_grants(relation, grant_config, should_revoke=true) %}
    {% if grant_config %}
        {% set there = {} %}
        {% if should_revoke %}
            {% set there = adapter.standardize_grants_dict(run_query(get_show_grant_sql(relation))) %}
        {% endif %}
        {% set give = diff_of_two_dicts(grant_config, there) %}
        {% set take = diff_of_two_dicts(there, grant_config) %}
        {% set statements = get_dcl_statement_list(relation, take, get_revoke_sql)
            + get_dcl_statement_list(relation, give, get_grant_sql) %}
        {% if statements %}
            {{ call_dcl_statements(statements) }}
        {% endif %}
    {% endif %}
{% endmacro %}

{% macro alter_relation_comment(relation, relation_comment) -%}
    {{ return(adapter.dispatch('alter_relation_comment', 'dbt')(relation, relation_comment)) }}
{%- endmacro %}

{% macro default__alter_relation_comment(relation, relation_comment) -%}
    comment on {{ relation.type or 'table' }} {{ relation }} is '{{ relation_comment | replace("'", "''") }}'
{%- endmacro %}

{% macro alter_column_comment(relation, column_dict) -%}
    {{ return(adapter.dispatch('alter_column_comment', 'dbt')(relation, column_dict)) }}
{%- endmacro %}

{% macro default__alter_column_comment(relation, column_dict) -%}
    {% for name in column_dict -%}
    comment on column {{ relation }}.{{ adapter.quote(name) }} is '{{ column_dict[name]['description'] | replace("'", "''") }}';
    {% endfor %}
{%- endmacro %}

{% macro persist_docs(relation, model, for_relation=true, for_columns=true) -%}
    {{ return(adapter.dispatch('persist_docs', 'dbt')(relation, model, for_relation, for_columns)) }}
{%- endmacro %}

{% macro default__persist_docs(relation, model, for_relation, for_columns) -%}
    {% if for_relation and config.persist_relation_docs() and model.description %}
        {% do run_query(alter_relation_comment(relation, model.description)) %}
    {% endif %}
    {% if for_columns and config.persist_column_docs() and model.columns %}
        {% do run_query(alter_column_comment(relation, model.columns)) %}
    {% endif %}
{%- endmacro %}

{% macro get_create_index_sql(relation, index_dict) -%}
    {{ return(adapter.dispatch('get_create_index_sql', 'dbt')(relation, index_dict)) }}
{%- endmacro %}

{% macro default__get_create_index_sql(relation, index_dict) -%}
    {{ return(none) }}
{%- endmacro %}

{% macro create_indexes(relation) -%}
    {{ adapter.dispatch('create_indexes', 'dbt')(relation) }}
{%- endmacro %}

{% macro default__create_indexes(relation) -%}
    {%- for index in config.get('indexes', default=[]) -%}
        {%- set text = get_create_index_sql(relation, index) -%}
        {%- if text -%}
            {%- do run_query(text) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
