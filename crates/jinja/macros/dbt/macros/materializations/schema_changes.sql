{# `on_schema_change`: what happens when an incremental query's columns are not the table's. #}

{% macro incremental_validate_on_schema_change(on_schema_change, default='ignore') %}
    {% if on_schema_change in ('sync_all_columns', 'append_new_columns', 'fail', 'ignore') %}
        {{ return(on_schema_change) }}
    {% endif %}
    {% if on_schema_change %}
        {{ log("'" ~ on_schema_change ~ "' is not known as on_schema_change; it counts as " ~ default) }}
    {% endif %}
    {{ return(default) }}
{% endmacro %}

{% macro check_for_schema_changes(source_relation, target_relation) %}
    {%- set source_columns = adapter.get_columns_in_relation(source_relation) -%}
    {%- set target_columns = adapter.get_columns_in_relation(target_relation) -%}
    {%- set new = diff_columns(source_columns, target_columns) -%}
    {%- set gone = diff_columns(target_columns, source_columns) -%}
    {%- set retyped = diff_column_data_types(source_columns, target_columns) -%}
    {{ return({
        'schema_changed': (new or gone or retyped) | length > 0,
        'source_not_in_target': new,
        'target_not_in_source': gone,
        'source_columns': source_columns,
        'target_columns': target_columns,
        'new_target_types': retyped,
    }) }}
{% endmacro %}

{% macro sync_column_schemas(on_schema_change, target_relation, schema_changes_dict) %}
    {%- set new = schema_changes_dict['source_not_in_target'] -%}
    {%- if on_schema_change == 'append_new_columns' and new -%}
        {%- do alter_relation_add_remove_columns(target_relation, new, none) -%}
    {%- elif on_schema_change == 'sync_all_columns' -%}
        {%- set gone = schema_changes_dict['target_not_in_source'] -%}
        {%- if new or gone -%}
            {%- do alter_relation_add_remove_columns(target_relation, new, gone) -%}
        {%- endif -%}
        {%- for change in schema_changes_dict['new_target_types'] -%}
            {%- do alter_column_type(target_relation, change['column_name'], change['new_type']) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{# The columns to write; nothing when they are the table's. #}
{% macro process_schema_changes(on_schema_change, source_relation, target_relation) %}
    {% if on_schema_change == 'ignore' %}
        {{ return({}) }}
    {% endif %}
    {% set changes = check_for_schema_changes(source_relation, target_relation) %}
    {% if changes['schema_changed'] %}
        {% if on_schema_change == 'fail' %}
            {% set new = changes['source_not_in_target'] | map(attribute='name') | join(', ') %}
            {% set gone = changes['target_not_in_source'] | map(attribute='name') | join(', ') %}
            {{ exceptions.raise_compiler_error('the columns of ' ~ target_relation ~ ' are out of step with its query: new ('
                ~ new ~ '), missing (' ~ gone ~ '), retyped (' ~ changes['new_target_types'] | map(attribute='column_name') | join(', ')
                ~ '). Build it with --full-refresh, or choose another on_schema_change.') }}
        {% endif %}
        {% do sync_column_schemas(on_schema_change, target_relation, changes) %}
    {% endif %}
    {{ return(changes['source_columns']) }}
{% endmacro %}
