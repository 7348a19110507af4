{# Shapes of queries: grouping, pivots, unions, duplicates. #}

{% macro group_by(n) -%}
    {{ return(adapter.dispatch('group_by', 'dbt_utils')(n)) }}
{%- endmacro %}

{% macro default__group_by(n) -%}
    group by {% for position in range(1, n + 1) %}{{ position }}{{ ',' if not loop.last }}{% endfor %}
{%- endmacro %}

{% macro deduplicate(relation, partition_by, order_by) -%}
    {{ return(adapter.dispatch('deduplicate', 'dbt_utils')(relation, partition_by, order_by)) }}
{%- endmacro %}

{# The first row of each group. #}
{% macro default__deduplicate(relation, partition_by, order_by) -%}
    select deduplicated.*
    from {{ relation }} as deduplicated
    qualify row_number() over (
        partition by {{ partition_by }}
        order by {{ order_by }}
    ) = 1
{%- endmacro %}

{% macro pivot(column, values, alias=True, agg='sum', cmp='=', prefix='', suffix='', then_value=1, else_value=0, quote_identifiers=True, distinct=False) -%}
    {{ return(adapter.dispatch('pivot', 'dbt_utils')(column, values, alias, agg, cmp, prefix, suffix, then_value, else_value, quote_identifiers, distinct)) }}
{%- endmacro %}

{% macro default__pivot(column, values, alias=True, agg='sum', cmp='=', prefix='', suffix='', then_value=1, else_value=0, quote_identifiers=True, distinct=False) -%}
    {%- for value in values %}
    {{ agg }}(
        {%- if distinct %}distinct {% endif -%}
        case
            when {{ column }} {{ cmp }} {{ dbt.string_literal(dbt.escape_single_quotes(value | string)) }}
                then {{ then_value }}
            else {{ else_value }}
        end
    )
    {%- if alias %} as {{ adapter.quote(prefix ~ value ~ suffix) if quote_identifiers else dbt_utils.slugify(prefix ~ value ~ suffix) }}{% endif %}
    {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro unpivot(relation=none, cast_to='varchar', exclude=none, remove=none, field_name='field_name', value_name='value', quote_identifiers=False) -%}
    {{ return(adapter.dispatch('unpivot', 'dbt_utils')(relation, cast_to, exclude, remove, field_name, value_name, quote_identifiers)) }}
{%- endmacro %}

{# One row per column: those to exclude stay columns of every row, those to remove go. #}
{% macro default__unpivot(relation=none, cast_to='varchar', exclude=none, remove=none, field_name='field_name', value_name='value', quote_identifiers=False) -%}
    {%- if not relation -%}
        {{ exceptions.raise_compiler_error('unpivot needs a relation') }}
    {%- endif -%}
    {%- do dbt_utils._is_relation(relation, 'unpivot') -%}
    {%- do dbt_utils._is_ephemeral(relation, 'unpivot') -%}
    {%- set kept = exclude if exclude is not none else [] -%}
    {%- set gone = remove if remove is not none else [] -%}
    {%- set skipped = (kept + gone) | map('lower') | list -%}
    {%- set columns = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) if column.name | lower not in skipped -%}
        {%- do columns.append(column.name) -%}
    {%- endfor -%}
    {%- for column in columns %}
    select
        {%- for other in kept %}
        {{ adapter.quote(other) if quote_identifiers else other }},
        {%- endfor %}
        cast('{{ column }}' as {{ dbt.type_string() }}) as {{ adapter.quote(field_name) if quote_identifiers else field_name }},
        cast({{ adapter.quote(column) if quote_identifiers else column }} as {{ cast_to }}) as {{ adapter.quote(value_name) if quote_identifiers else value_name }}
    from {{ relation }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}

{% macro union_relations(relations, column_override=none, include=[], exclude=[], source_column_name='_dbt_source_relation', where=none) -%}
    {{ return(adapter.dispatch('union_relations', 'dbt_utils')(relations, column_override, include, exclude, source_column_name, where)) }}
{%- endmacro %}

{# All rows of all relations; a column that one of them has not is null there. #}
{% macro default__union_relations(relations, column_override=none, include=[], exclude=[], source_column_name='_dbt_source_relation', where=none) -%}
    {%- if include and exclude -%}
        {{ exceptions.raise_compiler_error("Both an exclude and include list were provided to the `union` macro. Only one is allowed") }}
    {%- endif -%}
    {%- if not execute -%}
        {{ return('') }}
    {%- endif -%}
    {%- set overrides = column_override if column_override is not none else {} -%}
    {%- set wanted = include | map('lower') | list -%}
    {%- set unwanted = exclude | map('lower') | list -%}
    {%- set all_columns = {} -%}
    {%- set owned = {} -%}
    {%- for relation in relations -%}
        {%- do dbt_utils._is_relation(relation, 'union_relations') -%}
        {%- do dbt_utils._is_ephemeral(relation, 'union_relations') -%}
        {%- set own = [] -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- set name = column.column | lower -%}
            {%- if (not wanted or name in wanted) and name not in unwanted -%}
                {%- do own.append(name) -%}
                {%- if name not in all_columns or (column.is_string() and all_columns[name].is_string() and all_columns[name].can_expand_to(column)) -%}
                    {%- do all_columns.update({name: column}) -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do owned.update({relation | string: own}) -%}
    {%- endfor -%}
    {%- if wanted and not all_columns -%}
        {{ exceptions.raise_compiler_error("There were no columns found to union for relations " ~ (relations | join(', '))) }}
    {%- endif -%}
    {%- for relation in relations %}
    (
        select
            {%- if source_column_name is not none %}
            cast({{ dbt.string_literal(relation) }} as {{ dbt.type_string() }}) as {{ source_column_name }},
            {%- endif %}
            {%- for name, column in all_columns.items() %}
            {%- set type = overrides.get(column.column, column.data_type) %}
            cast({{ adapter.quote(column.column) if name in owned[relation | string] else 'null' }} as {{ type }}) as {{ adapter.quote(column.column) }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        from {{ relation }}
        {%- if where %}
        where {{ where }}
        {%- endif %}
    )
    {% if not loop.last %}union all{% endif %}
    {%- endfor -%}
{%- endmacro %}

{# Every empty text of these columns becomes null. #}
{% macro nullcheck(cols) -%}
    {%- for column in cols %}
    {%- if column.is_string() %}
    nullif({{ column.name }}, '') as {{ column.name }}
    {%- else %}
    {{ column.name }}
    {%- endif %}
    {{- ',' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro nullcheck_table(relation) -%}
    {%- do dbt_utils._is_relation(relation, 'nullcheck_table') -%}
    {%- do dbt_utils._is_ephemeral(relation, 'nullcheck_table') -%}
    select {{ dbt_utils.nullcheck(adapter.get_columns_in_relation(relation)) }}
    from {{ relation }}
{%- endmacro %}
