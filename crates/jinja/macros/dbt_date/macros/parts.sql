{# Parts of dates. Days of the week are 1 … 7 from Sunday on; with isoweek from Monday on. #}

{% macro date_part(datepart, date) -%}
    {{ return(adapter.dispatch('date_part', 'dbt_date')(datepart, date)) }}
{%- endmacro %}

{% macro default__date_part(datepart, date) -%}
    cast(date_part('{{ datepart }}', {{ date }}) as {{ dbt.type_int() }})
{%- endmacro %}

{% macro day_of_week(date, isoweek=true) -%}
    {{ return(adapter.dispatch('day_of_week', 'dbt_date')(date, isoweek)) }}
{%- endmacro %}

{% macro default__day_of_week(date, isoweek) -%}
    {%- set dow = dbt_date.date_part('dow', date) -%}
    {%- if isoweek -%}
        case when {{ dow }} = 0 then 7 else {{ dow }} end
    {%- else -%}
        {{ dow }} + 1
    {%- endif -%}
{%- endmacro %}

{% macro snowflake__day_of_week(date, isoweek) -%}
    {%- if isoweek -%}
        dayofweekiso({{ date }})
    {%- else -%}
        mod(dayofweekiso({{ date }}), 7) + 1
    {%- endif -%}
{%- endmacro %}

{% macro day_of_month(date) -%}
    {{ dbt_date.date_part('day', date) }}
{%- endmacro %}

{% macro day_of_year(date) -%}
    {{ return(adapter.dispatch('day_of_year', 'dbt_date')(date)) }}
{%- endmacro %}

{% macro default__day_of_year(date) -%}
    {{ dbt_date.date_part('doy', date) }}
{%- endmacro %}

{% macro snowflake__day_of_year(date) -%}
    dayofyear({{ date }})
{%- endmacro %}

{% macro day_name(date, short=True, language='default') -%}
    {{ return(adapter.dispatch('day_name', 'dbt_date')(date, short, language)) }}
{%- endmacro %}

{% macro default__day_name(date, short, language='default') -%}
    {%- if language not in ('default', 'English', 'en') -%}
        {{ exceptions.raise_compiler_error("day_name knows English names only, not '" ~ language ~ "'") }}
    {%- endif -%}
    {%- set names = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] -%}
    case {{ dbt_date.day_of_week(date, true) }}
        {%- for name in names %}
        when {{ loop.index }} then '{{ name[:3] if short else name }}'
        {%- endfor %}
    end
{%- endmacro %}

{% macro month_name(date, short=True, language='default') -%}
    {{ return(adapter.dispatch('month_name', 'dbt_date')(date, short, language)) }}
{%- endmacro %}

{% macro default__month_name(date, short, language='default') -%}
    {%- if language not in ('default', 'English', 'en') -%}
        {{ exceptions.raise_compiler_error("month_name knows English names only, not '" ~ language ~ "'") }}
    {%- endif -%}
    {%- set names = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'] -%}
    case {{ dbt_date.date_part('month', date) }}
        {%- for name in names %}
        when {{ loop.index }} then '{{ name[:3] if short else name }}'
        {%- endfor %}
    end
{%- endmacro %}

{# Weeks from Sunday to Saturday. #}
{% macro week_start(date=None, tz=None) -%}
    {{ return(adapter.dispatch('week_start', 'dbt_date')(date if date else dbt_date.today(tz))) }}
{%- endmacro %}

{% macro default__week_start(date) -%}
    cast({{ dbt.dateadd('day', '1 - (' ~ dbt_date.day_of_week(date, false) ~ ')', 'cast(' ~ date ~ ' as date)') }} as date)
{%- endmacro %}

{% macro week_end(date=None, tz=None) -%}
    {{ return(adapter.dispatch('week_end', 'dbt_date')(date if date else dbt_date.today(tz))) }}
{%- endmacro %}

{% macro default__week_end(date) -%}
    cast({{ dbt.dateadd('day', '7 - (' ~ dbt_date.day_of_week(date, false) ~ ')', 'cast(' ~ date ~ ' as date)') }} as date)
{%- endmacro %}

{# The week of the year, counted in whole weeks from January 1st on. #}
{% macro week_of_year(date=None, tz=None) -%}
    {{ return(adapter.dispatch('week_of_year', 'dbt_date')(date if date else dbt_date.today(tz))) }}
{%- endmacro %}

{% macro default__week_of_year(date) -%}
    cast(ceil(({{ dbt_date.day_of_year(date) }}) / 7.0) as {{ dbt.type_int() }})
{%- endmacro %}

{# Snowflake's own setting says what a week is. #}
{% macro snowflake__week_of_year(date) -%}
    {{ dbt_date.date_part('week', date) }}
{%- endmacro %}

{% macro iso_week_start(date=None, tz=None) -%}
    {%- set date = date if date else dbt_date.today(tz) -%}
    {{ return(adapter.dispatch('iso_week_start', 'dbt_date')(date)) }}
{%- endmacro %}

{% macro default__iso_week_start(date) -%}
    cast({{ dbt.dateadd('day', '1 - (' ~ dbt_date.day_of_week(date, true) ~ ')', 'cast(' ~ date ~ ' as date)') }} as date)
{%- endmacro %}

{% macro iso_week_end(date=None, tz=None) -%}
    {%- set date = date if date else dbt_date.today(tz) -%}
    {{ return(adapter.dispatch('iso_week_end', 'dbt_date')(date)) }}
{%- endmacro %}

{% macro default__iso_week_end(date) -%}
    cast({{ dbt.dateadd('day', '7 - (' ~ dbt_date.day_of_week(date, true) ~ ')', 'cast(' ~ date ~ ' as date)') }} as date)
{%- endmacro %}

{% macro iso_week_of_year(date=None, tz=None) -%}
    {%- set date = date if date else dbt_date.today(tz) -%}
    {{ return(adapter.dispatch('iso_week_of_year', 'dbt_date')(date)) }}
{%- endmacro %}

{% macro default__iso_week_of_year(date) -%}
    {{ dbt_date.date_part('week', date) }}
{%- endmacro %}

{% macro snowflake__iso_week_of_year(date) -%}
    weekiso({{ date }})
{%- endmacro %}

{# Whole seconds since 1970. #}
{% macro to_unixtimestamp(timestamp) -%}
    {{ return(adapter.dispatch('to_unixtimestamp', 'dbt_date')(timestamp)) }}
{%- endmacro %}

{% macro default__to_unixtimestamp(timestamp) -%}
    cast(floor(date_part('epoch', cast({{ timestamp }} as {{ dbt.type_timestamp() }}))) as bigint)
{%- endmacro %}

{% macro snowflake__to_unixtimestamp(timestamp) -%}
    date_part('epoch_seconds', {{ timestamp }})
{%- endmacro %}

{% macro from_unixtimestamp(epochs, format='seconds') -%}
    {{ return(adapter.dispatch('from_unixtimestamp', 'dbt_date')(epochs, format)) }}
{%- endmacro %}

{% macro default__from_unixtimestamp(epochs, format='seconds') -%}
    {%- set parts = {'seconds': 'second', 'milliseconds': 'millisecond', 'microseconds': 'microsecond'} -%}
    {%- if format not in parts -%}
        {{ exceptions.raise_compiler_error("from_unixtimestamp knows seconds, milliseconds and microseconds, not '" ~ format ~ "'") }}
    {%- endif -%}
    {{ dbt.dateadd(parts[format], epochs, "cast('1970-01-01' as " ~ dbt.type_timestamp() ~ ")") }}
{%- endmacro %}

{% macro snowflake__from_unixtimestamp(epochs, format='seconds') -%}
    {%- set scales = {'seconds': 0, 'milliseconds': 3, 'microseconds': 6, 'nanoseconds': 9} -%}
    {%- if format not in scales -%}
        {{ exceptions.raise_compiler_error("from_unixtimestamp knows seconds, milliseconds, microseconds and nanoseconds, not '" ~ format ~ "'") }}
    {%- endif -%}
    to_timestamp_ntz({{ epochs }}, {{ scales[format] }})
{%- endmacro %}

{# The nearest day: noon and later belong to the next one. #}
{% macro round_timestamp(timestamp) -%}
    {{ dbt.date_trunc('day', dbt.dateadd('hour', 12, timestamp)) }}
{%- endmacro %}
