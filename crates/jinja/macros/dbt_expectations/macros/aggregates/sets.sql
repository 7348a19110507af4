{# The distinct values of a column against a set. #}

{% macro _distinct(model, column_name, row_condition) -%}
    select distinct cast({{ column_name }} as {{ dbt.type_string() }}) as value_field
    from {{ model }}
    where {{ column_name }} is not null
    {{ 'and ' ~ row_condition if row_condition }}
{%- endmacro %}

{% macro _wanted(value_set, quote_values) -%}
    select distinct cast(value_field as {{ dbt.type_string() }}) as value_field
    from (
        {{ dbt_expectations._rows_of(value_set, quote_values, 'value_field') }}
    ) as wanted
{%- endmacro %}

{% test expect_column_distinct_values_to_be_in_set(model, column_name, value_set, quote_values=True, row_condition=None) %}
with all_values as (
    {{ dbt_expectations._distinct(model, column_name, row_condition) }}
),
set_values as (
    {{ dbt_expectations._wanted(value_set, quote_values) }}
)
select v.value_field
from all_values as v
left join set_values as s on v.value_field = s.value_field
where s.value_field is null
{% endtest %}

{% test expect_column_distinct_values_to_contain_set(model, column_name, value_set, quote_values=True, row_condition=None) %}
with all_values as (
    {{ dbt_expectations._distinct(model, column_name, row_condition) }}
),
set_values as (
    {{ dbt_expectations._wanted(value_set, quote_values) }}
)
select s.value_field
from set_values as s
left join all_values as v on s.value_field = v.value_field
where v.value_field is null
{% endtest %}

{% test expect_column_distinct_values_to_equal_set(model, column_name, value_set, quote_values=True, row_condition=None) %}
with all_values as (
    {{ dbt_expectations._distinct(model, column_name, row_condition) }}
),
set_values as (
    {{ dbt_expectations._wanted(value_set, quote_values) }}
)
select coalesce(v.value_field, s.value_field) as value_field
from all_values as v
full join set_values as s on v.value_field = s.value_field
where v.value_field is null or s.value_field is null
{% endtest %}

{# The `top_n` most frequent values are all in the set. #}
{% test expect_column_most_common_value_to_be_in_set(model, column_name, value_set, top_n, quote_values=True, data_type='decimal', row_condition=None, strictly=False) %}
with value_counts as (
    select
        cast({{ column_name }} as {{ dbt.type_string() }}) as value_field,
        count(*) as value_count
    from {{ model }}
    {{ 'where ' ~ row_condition if row_condition }}
    group by {{ column_name }}
),
ranked as (
    select value_field, rank() over (order by value_count desc) as value_count_rank
    from value_counts
),
set_values as (
    {{ dbt_expectations._wanted(value_set, quote_values) }}
)
select r.value_field
from ranked as r
left join set_values as s on r.value_field = s.value_field
where r.value_count_rank <= {{ top_n }} and s.value_field is null
{% endtest %}
