{# Null, unique, types. #}

{% test expect_column_values_to_be_null(model, column_name, row_condition=None) %}
    {{ dbt_expectations._fails(model, column_name ~ ' is null', None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_not_be_null(model, column_name, row_condition=None) %}
    {{ dbt_expectations._fails(model, column_name ~ ' is not null', None, row_condition) }}
{% endtest %}

{% test expect_column_values_to_be_unique(model, column_name, row_condition=None) %}
    {{ dbt_expectations.test_expect_compound_columns_to_be_unique(model, [column_name], row_condition=row_condition) }}
{% endtest %}

{% test expect_column_values_to_be_of_type(model, column_name, column_type) %}
    {{ dbt_expectations.test_expect_column_values_to_be_in_type_list(model, column_name, [column_type]) }}
{% endtest %}

{# A type is named as the relation has it, with or without its length: varchar, decimal(18,2). #}
{% test expect_column_values_to_be_in_type_list(model, column_name, column_type_list) %}
    {%- if execute -%}
        {%- set wanted = column_type_list | map('upper') | list -%}
        {%- set found = [] -%}
        {%- for column in adapter.get_columns_in_relation(model) if column.name | upper == column_name | upper | replace('"', '') -%}
            {%- if column.dtype | upper not in wanted and column.data_type | upper not in wanted -%}
                {%- do found.append(column.name ~ ' is ' ~ column.data_type) -%}
            {%- endif -%}
        {%- else -%}
            {%- do found.append(column_name ~ ' is not there') -%}
        {%- endfor -%}
        {{ dbt_expectations._found(found, 'relation_column') }}
    {%- endif -%}
{% endtest %}
