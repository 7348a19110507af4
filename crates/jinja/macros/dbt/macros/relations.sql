{# Short ways to ask the adapter. #}

{% macro load_relation(relation) %}
    {{ return(adapter.get_relation(relation.database, relation.schema, relation.identifier)) }}
{% endmacro %}

{% macro load_cached_relation(relation) %}
    {{ return(load_relation(relation)) }}
{% endmacro %}

{% macro get_columns_in_relation(relation) %}
    {{ return(adapter.get_columns_in_relation(relation)) }}
{% endmacro %}

{% macro get_columns_in_query(select_sql) %}
    {% if not execute %}
        {{ return([]) }}
    {% endif %}
    {% set sample = run_query('select * from (' ~ select_sql ~ ') as __dbt_sbq where false limit 0') %}
    {{ return(sample.column_names | list) }}
{% endmacro %}

{% macro drop_relation_if_exists(relation) %}
    {% if relation is not none %}
        {{ adapter.drop_relation(relation) }}
    {% endif %}
{% endmacro %}

{% macro make_temp_relation(base_relation, suffix='__dbt_tmp') %}
    {{ return(base_relation.incorporate(path={'identifier': base_relation.identifier ~ suffix})) }}
{% endmacro %}

{% macro get_quoted_csv(column_names) %}
    {% set quoted = [] %}
    {% for name in column_names %}
        {% do quoted.append(adapter.quote(name)) %}
    {% endfor %}
    {{ return(quoted | join(', ')) }}
{% endmacro %}
