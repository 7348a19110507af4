{# Aggregates in a range, for the whole table or for each group. #}

{% macro _aggregate(model, expression, min_value, max_value, group_by, row_condition, strictly) -%}
    {{ dbt_expectations._fails(model, dbt_expectations._between(expression, min_value, max_value, strictly), group_by, row_condition) }}
{%- endmacro %}

{% test expect_column_mean_to_be_between(model, column_name, min_value=None, max_value=None, group_by=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._aggregate(model, 'avg(' ~ column_name ~ ')', min_value, max_value, group_by, row_condition, strictly) }}
{% endtest %}

{% test expect_column_median_to_be_between(model, column_name, min_value=None, max_value=None, group_by=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._aggregate(model, dbt_expectations.median(column_name), min_value, max_value, group_by, row_condition, strictly) }}
{% endtest %}

{% test expect_column_quantile_values_to_be_between(model, column_name, quantile, min_value=None, max_value=None, group_by=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._aggregate(model, dbt_expectations.percentile_cont(column_name, quantile), min_value, max_value, group_by, row_condition, strictly) }}
{% endtest %}

{% test expect_column_min_to_be_between(model, column_name, min_value=None, max_value=None, group_by=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._aggregate(model, 'min(' ~ column_name ~ ')', min_value, max_value, group_by, row_condition, strictly) }}
{% endtest %}

{% test expect_column_max_to_be_between(model, column_name, min_value=None, max_value=None, group_by=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._aggregate(model, 'max(' ~ column_name ~ ')', min_value, max_value, group_by, row_condition, strictly) }}
{% endtest %}

{% test expect_column_sum_to_be_between(model, column_name, min_value=None, max_value=None, group_by=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._aggregate(model, 'sum(' ~ column_name ~ ')', min_value, max_value, group_by, row_condition, strictly) }}
{% endtest %}

{% test expect_column_stdev_to_be_between(model, column_name, min_value=None, max_value=None, group_by=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._aggregate(model, 'stddev(' ~ column_name ~ ')', min_value, max_value, group_by, row_condition, strictly) }}
{% endtest %}

{% test expect_column_unique_value_count_to_be_between(model, column_name, min_value=None, max_value=None, group_by=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._aggregate(model, 'count(distinct ' ~ column_name ~ ')', min_value, max_value, group_by, row_condition, strictly) }}
{% endtest %}

{% test expect_column_proportion_of_unique_values_to_be_between(model, column_name, min_value=None, max_value=None, group_by=None, row_condition=None, strictly=False) %}
    {{ dbt_expectations._aggregate(model, 'count(distinct ' ~ column_name ~ ') * 1.0 / nullif(count(' ~ column_name ~ '), 0)', min_value, max_value, group_by, row_condition, strictly) }}
{% endtest %}

{% test expect_column_distinct_count_to_equal(model, column_name, value, group_by=None, row_condition=None) %}
    {{ dbt_expectations._fails(model, 'count(distinct ' ~ column_name ~ ') = ' ~ value, group_by, row_condition) }}
{% endtest %}

{% test expect_column_distinct_count_to_be_greater_than(model, column_name, value, group_by=None, row_condition=None) %}
    {{ dbt_expectations._fails(model, 'count(distinct ' ~ column_name ~ ') > ' ~ value, group_by, row_condition) }}
{% endtest %}

{% test expect_column_distinct_count_to_be_less_than(model, column_name, value, group_by=None, row_condition=None) %}
    {{ dbt_expectations._fails(model, 'count(distinct ' ~ column_name ~ ') < ' ~ value, group_by, row_condition) }}
{% endtest %}

{% test expect_column_distinct_count_to_equal_other_table(model, compare_model, column_name, compare_column_name, row_condition=None, compare_row_condition=None) %}
    {{ dbt_expectations.test_expect_table_aggregation_to_equal_other_table(
        model, 'count(distinct ' ~ column_name ~ ')', compare_model, 'count(distinct ' ~ compare_column_name ~ ')',
        row_condition=row_condition, compare_row_condition=compare_row_condition
    ) }}
{% endtest %}
