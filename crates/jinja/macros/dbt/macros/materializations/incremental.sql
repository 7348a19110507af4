{# An incremental table whose strategy is a macro: `get_incremental_<strategy>_sql`. #}

{% materialization incremental, default %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set temp_relation = make_temp_relation(target_relation) -%}
    {%- if temp_relation.schema is none -%}
        {# Models of one name in two schemas may be built side by side. #}
        {%- set temp_relation = temp_relation.incorporate(path={'database': target_relation.database, 'schema': target_relation.schema}) -%}
    {%- endif -%}
    {%- set intermediate_relation = make_intermediate_relation(target_relation) -%}
    {%- set backup_type = 'table' if existing_relation is none else existing_relation.type -%}
    {%- set backup_relation = make_backup_relation(target_relation, backup_type) -%}
    {%- set unique_key = config.get('unique_key') -%}
    {%- set full_refresh_mode = should_full_refresh() or (existing_relation is not none and existing_relation.is_view) -%}
    {%- set on_schema_change = incremental_validate_on_schema_change(config.get('on_schema_change'), default='ignore') -%}
    {%- set grant_config = config.get('grants') -%}
    {%- set to_drop = [] -%}

    {{ drop_relation_if_exists(load_cached_relation(intermediate_relation)) }}
    {{ drop_relation_if_exists(load_cached_relation(backup_relation)) }}

    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks, inside_transaction=true) }}

    {%- set swap = false -%}
    {% if existing_relation is none %}
        {% set build_sql = get_create_table_as_sql(false, target_relation, sql) %}
    {% elif full_refresh_mode %}
        {% set build_sql = get_create_table_as_sql(false, intermediate_relation, sql) %}
        {% set swap = true %}
    {% else %}
        {% do run_query(get_create_table_as_sql(true, temp_relation, sql)) %}
        {% do to_drop.append(temp_relation) %}
        {% do adapter.expand_target_column_types(from_relation=temp_relation, to_relation=target_relation) %}
        {% set dest_columns = process_schema_changes(on_schema_change, temp_relation, existing_relation) %}
        {% if not dest_columns %}
            {% set dest_columns = adapter.get_columns_in_relation(existing_relation) %}
        {% endif %}
        {% set strategy = config.get('incremental_strategy') or 'default' %}
        {% set strategy_macro = adapter.get_incremental_strategy_macro(context, strategy) %}
        {% set build_sql = strategy_macro({
            'target_relation': target_relation,
            'temp_relation': temp_relation,
            'unique_key': unique_key,
            'dest_columns': dest_columns,
            'incremental_predicates': config.get('predicates', none) or config.get('incremental_predicates', none),
        }) %}
    {% endif %}

    {% call statement('main') %}
        {{ build_sql }}
    {% endcall %}

    {% if swap %}
        {{ adapter.rename_relation(existing_relation, backup_relation) }}
        {{ adapter.rename_relation(intermediate_relation, target_relation) }}
        {% do to_drop.append(backup_relation) %}
    {% endif %}

    {% do apply_grants(target_relation, grant_config, should_revoke=should_revoke(existing_relation, full_refresh_mode)) %}
    {% do persist_docs(target_relation, model) %}
    {% if existing_relation is none or full_refresh_mode %}
        {% do create_indexes(target_relation) %}
    {% endif %}
    {{ run_hooks(post_hooks, inside_transaction=true) }}
    {{ adapter.commit() }}
    {% for relation in to_drop %}
        {{ adapter.drop_relation(relation) }}
    {% endfor %}
    {{ run_hooks(post_hooks, inside_transaction=false) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
