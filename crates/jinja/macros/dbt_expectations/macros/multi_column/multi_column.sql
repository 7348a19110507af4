{# Several columns of a row together. #}

{% test expect_column_pair_values_A_to_be_greater_than_B(model, column_A, column_B, or_equal=False, row_condition=None) %}
    {{ dbt_expectations._fails(model, column_A ~ ' >' ~ ('= ' if or_equal else ' ') ~ column_B, None, row_condition) }}
{% endtest %}

{% test expect_column_pair_values_to_be_equal(model, column_A, column_B, row_condition=None) %}
    {{ dbt_expectations._fails(model, column_A ~ ' = ' ~ column_B, None, row_condition) }}
{% endtest %}

{% test expect_column_pair_values_to_be_in_set(model, column_A, column_B, value_pairs_set, row_condition=None) %}
    {%- set parts = [] -%}
    {%- for pair in value_pairs_set -%}
        {%- if pair | length != 2 -%}
            {{ exceptions.raise_compiler_error("value_pairs_set is a list of pairs; one of its elements has " ~ (pair | length) ~ " values") }}
        {%- endif -%}
        {%- do parts.append('(' ~ column_A ~ ' = ' ~ pair[0] ~ ' and ' ~ column_B ~ ' = ' ~ pair[1] ~ ')') -%}
    {%- endfor -%}
    {{ dbt_expectations._fails(model, '(' ~ (parts | join(' or ')) ~ ')', None, row_condition) }}
{% endtest %}

{% macro _quoted(column_list, quote_columns) -%}
    {%- set names = [] -%}
    {%- for column in column_list -%}
        {%- do names.append(adapter.quote(column) if quote_columns else column) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# Which rows count, by what is missing in them. #}
{% macro _ignored(columns, ignore_row_if, row_condition) -%}
    {%- set allowed = {'all_values_are_missing': ' or ', 'any_value_is_missing': ' and ', 'never': none} -%}
    {%- if ignore_row_if not in allowed -%}
        {{ exceptions.raise_compiler_error("ignore_row_if must be one of " ~ (allowed.keys() | join(', ')) ~ ", not '" ~ ignore_row_if ~ "'") }}
    {%- endif -%}
    {%- set conditions = [] -%}
    {%- if allowed[ignore_row_if] -%}
        {%- set present = [] -%}
        {%- for column in columns -%}
            {%- do present.append(column ~ ' is not null') -%}
        {%- endfor -%}
        {%- do conditions.append('(' ~ (present | join(allowed[ignore_row_if])) ~ ')') -%}
    {%- endif -%}
    {%- if row_condition -%}
        {%- do conditions.append('(' ~ row_condition ~ ')') -%}
    {%- endif -%}
    {{ return('where ' ~ (conditions | join(' and ')) if conditions else '') }}
{%- endmacro %}

{% test expect_compound_columns_to_be_unique(model, column_list, quote_columns=False, ignore_row_if='all_values_are_missing', row_condition=None) %}
{%- set columns = dbt_expectations._quoted(column_list, quote_columns) -%}
select {{ columns | join(', ') }}, count(*) as n_records
from {{ model }}
{{ dbt_expectations._ignored(columns, ignore_row_if, row_condition) }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{# No value twice among these columns of one row. #}
{% test expect_select_column_values_to_be_unique_within_record(model, column_list, quote_columns=False, ignore_row_if='all_values_are_missing', row_condition=None) %}
{%- set columns = dbt_expectations._quoted(column_list, quote_columns) -%}
with numbered as (
    select
        row_number() over (order by {{ columns | join(', ') }}) as row_index,
        {{ columns | join(', ') }}
    from {{ model }}
    {{ dbt_expectations._ignored(columns, ignore_row_if, row_condition) }}
),
unpivoted as (
    {%- for column in columns %}
    select row_index, '{{ loop.index }}' as column_index, cast({{ column }} as {{ dbt.type_string() }}) as column_value
    from numbered
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)
select row_index, column_value, count(*) as n_records
from unpivoted
where column_value is not null
group by row_index, column_value
having count(*) > 1
{% endtest %}

{% test expect_multicolumn_sum_to_equal(model, column_list, sum_total, group_by=None, row_condition=None) %}
    {%- set parts = [] -%}
    {%- for column in column_list -%}
        {%- do parts.append('sum(' ~ column ~ ')') -%}
    {%- endfor -%}
    {{ dbt_expectations._fails(model, '(' ~ (parts | join(' + ')) ~ ') = ' ~ sum_total, group_by, row_condition) }}
{% endtest %}
