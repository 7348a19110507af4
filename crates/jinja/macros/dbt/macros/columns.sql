{# Columns: asking for them, and changing them. #}

{% macro get_columns_in_relation(relation) %}
    {{ return(adapter.get_columns_in_relation(relation)) }}
{% endmacro %}

{% macro get_empty_subquery_sql(select_sql, select_sql_header=none) -%}
    {{ return(adapter.dispatch('get_empty_subquery_sql', 'dbt')(select_sql, select_sql_header)) }}
{%- endmacro %}

{% macro default__get_empty_subquery_sql(select_sql, select_sql_header=none) -%}
    {%- if select_sql_header is not none -%}{{ select_sql_header }}{%- endif %}
    select * from (
        {{ select_sql }}
    ) as __dbt_sbq
    where false
    limit 0
{%- endmacro %}

{% macro get_empty_schema_sql(columns) -%}
    {{ return(adapter.dispatch('get_empty_schema_sql', 'dbt')(columns)) }}
{%- endmacro %}

{% macro default__get_empty_schema_sql(columns) -%}
    select
    {%- for name in columns %}
        {%- set column = columns[name] %}
        cast(null as {{ column['data_type'] }}) as {{ adapter.quote(column['name']) if column.get('quote') else column['name'] }}
        {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro get_columns_in_query(select_sql) -%}
    {{ return(adapter.dispatch('get_columns_in_query', 'dbt')(select_sql)) }}
{%- endmacro %}

{% macro default__get_columns_in_query(select_sql) -%}
    {%- if not execute -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set sample = run_query(get_empty_subquery_sql(select_sql)) -%}
    {{ return(sample.column_names | list) }}
{%- endmacro %}

{% macro get_column_schema_from_query(select_sql, select_sql_header=none) -%}
    {%- set header = select_sql_header ~ '\n' if select_sql_header is not none else '' -%}
    {{ return(adapter.get_column_schema_from_query(header ~ get_empty_subquery_sql(select_sql))) }}
{%- endmacro %}

{# The columns of an enforced contract must be those of the query, or this is an error. #}
{% macro get_assert_columns_equivalent(sql) -%}
    {{ return(adapter.dispatch('get_assert_columns_equivalent', 'dbt')(sql)) }}
{%- endmacro %}

{% macro default__get_assert_columns_equivalent(sql) -%}
    {%- set found = {} -%}
    {%- for column in get_column_schema_from_query(sql) -%}
        {%- do found.update({column.name | lower: column.data_type}) -%}
    {%- endfor -%}
    {%- set wrong = [] -%}
    {%- for name in model.columns -%}
        {%- if name | lower not in found -%}
            {%- do wrong.append(name ~ ' is missing in the query') -%}
        {%- else -%}
            {%- set declared = api.Column.create(name, model.columns[name]['data_type'] or '') -%}
            {%- if declared.dtype and not same_type(declared.data_type, found[name | lower]) -%}
                {%- do wrong.append(name ~ ' is declared as ' ~ declared.data_type ~ ', the query gives ' ~ found[name | lower]) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set declared_names = model.columns | map('lower') | list -%}
    {%- for name in found if name not in declared_names -%}
        {%- do wrong.append(name ~ ' is not declared') -%}
    {%- endfor -%}
    {%- if wrong -%}
        {{ exceptions.raise_compiler_error('the contract of ' ~ model.name ~ ' is broken: ' ~ wrong | join('; ')) }}
    {%- endif -%}
{%- endmacro %}

{# Whether two names mean the same type, as the warehouse sees it. #}
{% macro same_type(first, second) -%}
    {%- set types = [] -%}
    {%- for column in get_column_schema_from_query('select cast(null as ' ~ first ~ ') as a, cast(null as ' ~ second ~ ') as b') -%}
        {%- do types.append(column.data_type) -%}
    {%- endfor -%}
    {{ return(types[0] == types[1]) }}
{%- endmacro %}

{% macro get_select_subquery(sql) -%}
    {{ return(adapter.dispatch('get_select_subquery', 'dbt')(sql)) }}
{%- endmacro %}

{% macro default__get_select_subquery(sql) -%}
    select
    {%- for name in model.columns %} {{ name }}{{ ',' if not loop.last }}{% endfor %}
    from (
        {{ sql }}
    ) as model_subq
{%- endmacro %}

{% macro get_table_columns_and_constraints() -%}
    {{ adapter.dispatch('get_table_columns_and_constraints', 'dbt')() }}
{%- endmacro %}

{% macro default__get_table_columns_and_constraints() -%}
    (
    {%- for name in model.columns %}
        {{ name }} {{ model.columns[name]['data_type'] }}{{ ',' if not loop.last }}
    {%- endfor %}
    )
{%- endmacro %}

{% macro alter_column_type(relation, column_name, new_column_type) -%}
    {{ return(adapter.dispatch('alter_column_type', 'dbt')(relation, column_name, new_column_type)) }}
{%- endmacro %}

{% macro default__alter_column_type(relation, column_name, new_column_type) -%}
    {% call statement('alter_column_type') %}
        alter table {{ relation }} alter column {{ adapter.quote(column_name) }} type {{ new_column_type }}
    {% endcall %}
{%- endmacro %}

{% macro alter_relation_add_remove_columns(relation, add_columns=none, remove_columns=none) -%}
    {{ return(adapter.dispatch('alter_relation_add_remove_columns', 'dbt')(relation, add_columns, remove_columns)) }}
{%- endmacro %}

{% macro default__alter_relation_add_remove_columns(relation, add_columns, remove_columns) -%}
    {%- set changes = [] -%}
    {%- for column in add_columns or [] -%}
        {%- do changes.append('add column ' ~ column.quoted ~ ' ' ~ column.data_type) -%}
    {%- endfor -%}
    {%- for column in remove_columns or [] -%}
        {%- do changes.append('drop column ' ~ column.quoted) -%}
    {%- endfor -%}
    {%- if changes -%}
        {%- do run_query('alter table ' ~ relation ~ ' ' ~ changes | join(', ')) -%}
    {%- endif -%}
{%- endmacro %}

{% macro get_quoted_csv(column_names) %}
    {% set quoted = [] %}
    {% for name in column_names %}
        {% do quoted.append(adapter.quote(name)) %}
    {% endfor %}
    {{ return(quoted | join(', ')) }}
{% endmacro %}

{# Columns of the first list that the second does not have, by name. #}
{% macro diff_columns(source_columns, target_columns) %}
    {% set known = target_columns | map(attribute='name') | map('lower') | list %}
    {% set missing = [] %}
    {% for column in source_columns if column.name | lower not in known %}
        {% do missing.append(column) %}
    {% endfor %}
    {{ return(missing) }}
{% endmacro %}

{# Columns that both have, with another type. #}
{% macro diff_column_data_types(source_columns, target_columns) %}
    {{ return(adapter.dispatch('diff_column_data_types', 'dbt')(source_columns, target_columns)) }}
{% endmacro %}

{% macro default__diff_column_data_types(source_columns, target_columns) %}
    {% set changed = [] %}
    {% for column in source_columns %}
        {% set same = target_columns | selectattr('name', 'equalto', column.name) | list | first %}
        {% if same and same.data_type != column.data_type and not same.can_expand_to(other_column=column) %}
            {% do changed.append({'column_name': same.name, 'new_type': column.data_type}) %}
        {% endif %}
    {% endfor %}
    {{ return(changed) }}
{% endmacro %}
