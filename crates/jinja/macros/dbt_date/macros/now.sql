{# Now, and days around it, in the time zone that is asked for: the argument, else the variable, else UTC. #}

{% macro _time_zone(tz=None) -%}
    {{ return(tz if tz else var('dbt_date:time_zone', 'UTC')) }}
{%- endmacro %}

{% macro convert_timezone(column, target_tz=None, source_tz=None) -%}
    {{ return(adapter.dispatch('convert_timezone', 'dbt_date')(column, dbt_date._time_zone(target_tz), source_tz)) }}
{%- endmacro %}

{# The local time of an instant that is given in `source_tz` (UTC if none). #}
{% macro default__convert_timezone(column, target_tz, source_tz=None) -%}
    {%- set source = source_tz if source_tz else 'UTC' -%}
    {%- if source == target_tz -%}
        cast({{ column }} as {{ dbt.type_timestamp() }})
    {%- else -%}
        cast(cast({{ column }} as {{ dbt.type_timestamp() }}) at time zone '{{ source }}' at time zone '{{ target_tz }}' as {{ dbt.type_timestamp() }})
    {%- endif -%}
{%- endmacro %}

{# This engine casts a time with a zone to its time in UTC: to_local_time keeps the wall clock's. A target of type
   postgres runs on it as well. #}
{% macro postgres__convert_timezone(column, target_tz, source_tz=None) -%}
    {%- set source = source_tz if source_tz else 'UTC' -%}
    {%- if source == target_tz -%}
        cast({{ column }} as {{ dbt.type_timestamp() }})
    {%- else -%}
        to_local_time(cast({{ column }} as {{ dbt.type_timestamp() }}) at time zone '{{ source }}' at time zone '{{ target_tz }}')
    {%- endif -%}
{%- endmacro %}

{# A target of type duckdb runs on this engine too. #}
{% macro duckdb__convert_timezone(column, target_tz, source_tz=None) -%}
    {{ return(dbt_date.postgres__convert_timezone(column, target_tz, source_tz)) }}
{%- endmacro %}

{% macro snowflake__convert_timezone(column, target_tz, source_tz=None) -%}
    convert_timezone('{{ source_tz if source_tz else 'UTC' }}', '{{ target_tz }}', cast({{ column }} as {{ dbt.type_timestamp() }}))
{%- endmacro %}

{% macro now(tz=None) -%}
    {{ dbt_date.convert_timezone(dbt.current_timestamp(), tz) }}
{%- endmacro %}

{% macro today(tz=None) -%}
    cast({{ dbt_date.now(tz) }} as date)
{%- endmacro %}

{% macro n_days_ago(n, date=None, tz=None) -%}
    {{ dbt_date._days(date, tz, -1 * (n | int)) }}
{%- endmacro %}

{% macro n_days_away(n, date=None, tz=None) -%}
    {{ dbt_date._days(date, tz, n | int) }}
{%- endmacro %}

{% macro _days(date, tz, count) -%}
    {%- set from = date if date else dbt_date.today(tz) -%}
    cast({{ dbt.dateadd('day', count, 'cast(' ~ from ~ ' as date)') }} as date)
{%- endmacro %}

{% macro yesterday(date=None, tz=None) -%}
    {{ dbt_date.n_days_ago(1, date, tz) }}
{%- endmacro %}

{% macro tomorrow(date=None, tz=None) -%}
    {{ dbt_date.n_days_away(1, date, tz) }}
{%- endmacro %}

{# The start of the week or month that lies so far away. #}
{% macro _starts(part, tz, count) -%}
    cast({{ dbt.date_trunc(part, dbt.dateadd(part, count, dbt_date.today(tz))) }} as date)
{%- endmacro %}

{% macro n_weeks_ago(n, tz=None) -%}
    {{ dbt_date._starts('week', tz, -1 * (n | int)) }}
{%- endmacro %}

{% macro n_weeks_away(n, tz=None) -%}
    {{ dbt_date._starts('week', tz, n | int) }}
{%- endmacro %}

{% macro n_months_ago(n, tz=None) -%}
    {{ dbt_date._starts('month', tz, -1 * (n | int)) }}
{%- endmacro %}

{% macro n_months_away(n, tz=None) -%}
    {{ dbt_date._starts('month', tz, n | int) }}
{%- endmacro %}

{% macro last_week(tz=None) -%}
    {{ dbt_date.n_weeks_ago(1, tz) }}
{%- endmacro %}

{% macro next_week(tz=None) -%}
    {{ dbt_date.n_weeks_away(1, tz) }}
{%- endmacro %}

{% macro last_month(tz=None) -%}
    {{ dbt_date.n_months_ago(1, tz) }}
{%- endmacro %}

{% macro next_month(tz=None) -%}
    {{ dbt_date.n_months_away(1, tz) }}
{%- endmacro %}

{% macro last_month_name(short=True, tz=None) -%}
    {{ dbt_date.month_name(dbt_date.last_month(tz), short=short) }}
{%- endmacro %}

{% macro next_month_name(short=True, tz=None) -%}
    {{ dbt_date.month_name(dbt_date.next_month(tz), short=short) }}
{%- endmacro %}

{% macro last_month_number(tz=None) -%}
    {{ dbt_date.date_part('month', dbt_date.last_month(tz)) }}
{%- endmacro %}

{% macro next_month_number(tz=None) -%}
    {{ dbt_date.date_part('month', dbt_date.next_month(tz)) }}
{%- endmacro %}

{# How many periods of that size lie between a date and now. #}
{% macro periods_since(date_col, period_name='day', tz=None) -%}
    {{ dbt.datediff(date_col, dbt_date.now(tz), period_name) }}
{%- endmacro %}
