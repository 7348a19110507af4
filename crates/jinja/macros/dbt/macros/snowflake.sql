{# What Snowflake writes another way. Valid there, and on the embedded warehouse in Snowflake's dialect. #}

{% macro snowflake__dateadd(datepart, interval, from_date_or_timestamp) -%}
    dateadd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}

{% macro snowflake__datediff(first_date, second_date, datepart) -%}
    datediff({{ datepart }}, {{ first_date }}, {{ second_date }})
{%- endmacro %}

{% macro snowflake__current_timestamp() -%}
    convert_timezone('UTC', current_timestamp())
{%- endmacro %}

{% macro snowflake__snapshot_get_time() -%}
    to_timestamp_ntz({{ dbt.current_timestamp() }})
{%- endmacro %}

{% macro snowflake__bool_or(expression) -%}
    boolor_agg({{ expression }})
{%- endmacro %}

{# `order_by_clause` is a whole clause: 'order by x'. #}
{% macro snowflake__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    {%- set ordered = ' within group (' ~ order_by_clause ~ ')' if order_by_clause else '' -%}
    {%- if limit_num -%}
        array_to_string(array_slice(array_agg({{ measure }}){{ ordered }}, 0, {{ limit_num }}), {{ delimiter_text }})
    {%- else -%}
        listagg({{ measure }}, {{ delimiter_text }}){{ ordered }}
    {%- endif -%}
{%- endmacro %}

{% macro snowflake__array_construct(inputs, data_type) -%}
    array_construct({{ inputs | join(', ') }})
{%- endmacro %}

{% macro snowflake__array_concat(array_1, array_2) -%}
    array_cat({{ array_1 }}, {{ array_2 }})
{%- endmacro %}

{% macro snowflake__position(substring_text, string_text) -%}
    position({{ substring_text }}, {{ string_text }})
{%- endmacro %}

{% macro snowflake__type_timestamp() -%}
    {{ return('timestamp_ntz') }}
{%- endmacro %}

{% macro snowflake__type_float() -%}
    {{ return('float') }}
{%- endmacro %}

{# There is no try_cast to a variant, and it reads texts only. #}
{% macro snowflake__safe_cast(field, type) -%}
    {%- if type | lower in ('variant', 'object', 'array') -%}
        cast({{ field }} as {{ type }})
    {%- elif field is number -%}
        try_cast('{{ field }}' as {{ type }})
    {%- else -%}
        try_cast({{ field }} as {{ type }})
    {%- endif -%}
{%- endmacro %}

{% macro snowflake__generate_series(upper_bound) -%}
    select row_number() over (order by seq4()) as generated_number
    from table(generator(rowcount => {{ upper_bound }}))
{%- endmacro %}

{# From the start up to, not including, the end. A generator takes no computed number of rows, so it is asked for first. #}
{% macro snowflake__date_spine(datepart, start_date, end_date) -%}
    {%- set steps = dbt.get_intervals_between(start_date, end_date, datepart) -%}
    select dateadd({{ datepart }}, spine.step, {{ start_date }}) as date_{{ datepart }}
    from (
        select row_number() over (order by seq4()) - 1 as step
        from table(generator(rowcount => {{ steps }}))
    ) as spine
{%- endmacro %}
