-- What macros learn from `describe`, `show` and the adapter while the project compiles.
-- depends_on: {{ ref('dim_stores') }}
{%- set stores = ref('dim_stores') %}
select
    '{{ dialect() }}' as dialect,
    '{{ target.type }}' as target_type,
    {{ count_described_columns(stores) }} as described_columns,
    '{{ column_names(stores) | join(",") }}' as column_list,
    {{ 1 if count_shown_tables(stores) > 0 else 0 }} as shows_tables
