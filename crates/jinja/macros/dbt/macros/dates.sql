{# Dates and times. The engine adds intervals and truncates; steps of any size and counted boundaries are made of that. #}

{% macro date_trunc(datepart, date) -%}
    {{ return(adapter.dispatch('date_trunc', 'dbt')(datepart, date)) }}
{%- endmacro %}

{% macro default__date_trunc(datepart, date) -%}
    date_trunc('{{ datepart | lower }}', {{ date }})
{%- endmacro %}

{% macro dateadd(datepart, interval, from_date_or_timestamp) -%}
    {{ return(adapter.dispatch('dateadd', 'dbt')(datepart, interval, from_date_or_timestamp)) }}
{%- endmacro %}

{% macro default__dateadd(datepart, interval, from_date_or_timestamp) -%}
    {%- set part = datepart | lower -%}
    {%- set count = '(' ~ interval ~ ')' -%}
    {%- if part == 'quarter' -%}
        {%- set part, count = 'month', '(3 * ' ~ count ~ ')' -%}
    {%- endif -%}
    {#- A date has no hours: adding some to it gives a timestamp, as everywhere. -#}
    {%- if part in ('hour', 'minute', 'second', 'millisecond', 'microsecond') -%}
        {%- set from_date_or_timestamp = 'cast(' ~ from_date_or_timestamp ~ ' as timestamp)' -%}
    {%- endif -%}
    ({{ from_date_or_timestamp }} + cast(cast({{ count }} as varchar) || ' {{ part }}' as interval))
{%- endmacro %}

{% macro datediff(first_date, second_date, datepart) -%}
    {{ return(adapter.dispatch('datediff', 'dbt')(first_date, second_date, datepart)) }}
{%- endmacro %}

{# How many boundaries of the part lie between the two: 23:59 to 00:01 is one day. #}
{% macro default__datediff(first_date, second_date, datepart) -%}
    {%- set part = datepart | lower -%}
    {%- set first = 'cast(' ~ first_date ~ ' as timestamp)' -%}
    {%- set second = 'cast(' ~ second_date ~ ' as timestamp)' -%}
    {%- if part == 'year' -%}
        cast(date_part('year', {{ second }}) - date_part('year', {{ first }}) as bigint)
    {%- elif part == 'quarter' -%}
        cast(4 * (date_part('year', {{ second }}) - date_part('year', {{ first }})) + date_part('quarter', {{ second }}) - date_part('quarter', {{ first }}) as bigint)
    {%- elif part == 'month' -%}
        cast(12 * (date_part('year', {{ second }}) - date_part('year', {{ first }})) + date_part('month', {{ second }}) - date_part('month', {{ first }}) as bigint)
    {%- elif part in ('week', 'day', 'hour', 'minute', 'second') -%}
        {%- set seconds = {'week': 604800, 'day': 86400, 'hour': 3600, 'minute': 60, 'second': 1}[part] -%}
        cast(round((date_part('epoch', date_trunc('{{ part }}', {{ second }})) - date_part('epoch', date_trunc('{{ part }}', {{ first }}))) / {{ seconds }}) as bigint)
    {%- elif part in ('millisecond', 'microsecond') -%}
        {%- set per_second = {'millisecond': 1000, 'microsecond': 1000000}[part] -%}
        cast(floor(round(date_part('epoch', {{ second }}) * 1000000) / {{ 1000000 // per_second }}) - floor(round(date_part('epoch', {{ first }}) * 1000000) / {{ 1000000 // per_second }}) as bigint)
    {%- else -%}
        {{ exceptions.raise_compiler_error("datediff knows year, quarter, month, week, day, hour, minute, second, millisecond, microsecond; not '" ~ datepart ~ "'") }}
    {%- endif -%}
{%- endmacro %}

{% macro last_day(date, datepart) -%}
    {{ return(adapter.dispatch('last_day', 'dbt')(date, datepart)) }}
{%- endmacro %}

{% macro default__last_day(date, datepart) -%}
    cast({{ dbt.dateadd('day', -1, dbt.dateadd(datepart, 1, dbt.date_trunc(datepart, date))) }} as date)
{%- endmacro %}

{% macro date(year, month, day) -%}
    {{ return(adapter.dispatch('date', 'dbt')(year, month, day)) }}
{%- endmacro %}

{% macro default__date(year, month, day) -%}
    cast('{{ '%04d-%02d-%02d' | format(year, month, day) }}' as date)
{%- endmacro %}

{% macro current_timestamp() -%}
    {{ return(adapter.dispatch('current_timestamp', 'dbt')()) }}
{%- endmacro %}

{% macro default__current_timestamp() -%}
    now()
{%- endmacro %}

{% macro snapshot_get_time() -%}
    {{ return(adapter.dispatch('snapshot_get_time', 'dbt')()) }}
{%- endmacro %}

{% macro default__snapshot_get_time() -%}
    {{ dbt.current_timestamp() }}
{%- endmacro %}

{% macro current_timestamp_in_utc_backcompat() -%}
    {{ return(dbt.current_timestamp()) }}
{%- endmacro %}

{% macro current_timestamp_backcompat() -%}
    {{ return(dbt.current_timestamp()) }}
{%- endmacro %}

{# The time now as digits, for names of relations that nobody else makes. #}
{% macro py_current_timestring() %}
    {{ return(modules.datetime.datetime.now().strftime('%Y%m%d%H%M%S%f')) }}
{% endmacro %}
