{# Tables of dates. #}

{% macro date_spine(datepart, start_date, end_date) -%}
    {{ dbt.date_spine(datepart, start_date, end_date) }}
{%- endmacro %}

{# One row for each part, from the start up to, not including, the end; or the last `n_dateparts` parts up to today. #}
{% macro get_base_dates(start_date=None, end_date=None, n_dateparts=None, datepart='day') -%}
    {{ return(adapter.dispatch('get_base_dates', 'dbt_date')(start_date, end_date, n_dateparts, datepart)) }}
{%- endmacro %}

{% macro default__get_base_dates(start_date, end_date, n_dateparts, datepart) -%}
    {%- if start_date and end_date -%}
        {%- set first = "cast('" ~ start_date ~ "' as " ~ dbt.type_timestamp() ~ ")" -%}
        {%- set last = "cast('" ~ end_date ~ "' as " ~ dbt.type_timestamp() ~ ")" -%}
    {%- elif n_dateparts and datepart -%}
        {%- set first = dbt.dateadd(datepart, -1 * (n_dateparts | int), dbt_date.today()) -%}
        {%- set last = dbt_date.tomorrow() -%}
    {%- else -%}
        {{ exceptions.raise_compiler_error("get_base_dates needs start_date and end_date, or n_dateparts") }}
    {%- endif -%}
select cast(spine.date_{{ datepart }} as {{ dbt.type_timestamp() }}) as date_{{ datepart }}
from (
    {{ dbt.date_spine(datepart, first, last) }}
) as spine
{%- endmacro %}

{% macro get_date_dimension(start_date, end_date) -%}
    {{ return(adapter.dispatch('get_date_dimension', 'dbt_date')(start_date, end_date)) }}
{%- endmacro %}

{# One row for each day with what reports ask of days. Weeks run from Sunday; the iso_ columns from Monday. #}
{% macro default__get_date_dimension(start_date, end_date) -%}
with base_dates as (
    {{ dbt_date.get_base_dates(start_date, end_date) }}
),
dates as (
    select cast(date_day as date) as date_day
    from base_dates
)
select
    date_day,
    {{ dbt_date.yesterday('date_day') }} as prior_date_day,
    {{ dbt_date.tomorrow('date_day') }} as next_date_day,
    cast({{ dbt.dateadd('year', -1, 'date_day') }} as date) as prior_year_date_day,
    cast({{ dbt.dateadd('day', -364, 'date_day') }} as date) as prior_year_over_year_date_day,
    {{ dbt_date.day_of_week('date_day', isoweek=false) }} as day_of_week,
    {{ dbt_date.day_of_week('date_day', isoweek=true) }} as day_of_week_iso,
    {{ dbt_date.day_name('date_day', short=false) }} as day_of_week_name,
    {{ dbt_date.day_name('date_day', short=true) }} as day_of_week_name_short,
    {{ dbt_date.day_of_month('date_day') }} as day_of_month,
    {{ dbt_date.day_of_year('date_day') }} as day_of_year,
    {{ dbt_date.week_start('date_day') }} as week_start_date,
    {{ dbt_date.week_end('date_day') }} as week_end_date,
    {{ dbt_date.week_start("cast(" ~ dbt.dateadd('day', -364, 'date_day') ~ " as date)") }} as prior_year_week_start_date,
    {{ dbt_date.week_end("cast(" ~ dbt.dateadd('day', -364, 'date_day') ~ " as date)") }} as prior_year_week_end_date,
    {{ dbt_date.week_of_year('date_day') }} as week_of_year,
    {{ dbt_date.iso_week_start('date_day') }} as iso_week_start_date,
    {{ dbt_date.iso_week_end('date_day') }} as iso_week_end_date,
    {{ dbt_date.iso_week_of_year('date_day') }} as iso_week_of_year,
    {{ dbt_date.week_of_year("cast(" ~ dbt.dateadd('day', -364, 'date_day') ~ " as date)") }} as prior_year_week_of_year,
    {{ dbt_date.iso_week_of_year("cast(" ~ dbt.dateadd('day', -364, 'date_day') ~ " as date)") }} as prior_year_iso_week_of_year,
    {{ dbt_date.date_part('month', 'date_day') }} as month_of_year,
    {{ dbt_date.month_name('date_day', short=false) }} as month_name,
    {{ dbt_date.month_name('date_day', short=true) }} as month_name_short,
    cast({{ dbt.date_trunc('month', 'date_day') }} as date) as month_start_date,
    {{ dbt.last_day('date_day', 'month') }} as month_end_date,
    cast({{ dbt.date_trunc('month', dbt.dateadd('year', -1, 'date_day')) }} as date) as prior_year_month_start_date,
    {{ dbt.last_day(dbt.dateadd('year', -1, 'date_day'), 'month') }} as prior_year_month_end_date,
    {{ dbt_date.date_part('quarter', 'date_day') }} as quarter_of_year,
    cast({{ dbt.date_trunc('quarter', 'date_day') }} as date) as quarter_start_date,
    {{ dbt.last_day('date_day', 'quarter') }} as quarter_end_date,
    {{ dbt_date.date_part('year', 'date_day') }} as year_number,
    cast({{ dbt.date_trunc('year', 'date_day') }} as date) as year_start_date,
    {{ dbt.last_day('date_day', 'year') }} as year_end_date
from dates
{%- endmacro %}

{# Years of 52 or 53 whole weeks: each ends on that day of the week which is nearest to the end of its month. `dates` is a
   relation with a row for each day, as get_date_dimension gives. #}
{% macro get_fiscal_year_dates(dates, year_end_month=12, week_start_day=1, shift_year=1) -%}
    {{ return(adapter.dispatch('get_fiscal_year_dates', 'dbt_date')(dates, year_end_month, week_start_day, shift_year)) }}
{%- endmacro %}

{% macro default__get_fiscal_year_dates(dates, year_end_month, week_start_day, shift_year) -%}
{%- set week_end_day = week_start_day - 1 if week_start_day > 1 else 7 -%}
with fsc_date_dimension as (
    select * from {{ dates }}
),
year_month_end as (
    select
        d.year_number - {{ shift_year }} as fiscal_year_number,
        max(d.month_end_date) as month_end_date
    from fsc_date_dimension as d
    where d.month_of_year = {{ year_end_month }}
    group by d.year_number
),
{#- The candidates are three days before and after the end of the month: one of them is the wanted day of the week. #}
weeks as (
    select
        m.fiscal_year_number,
        d.date_day as fiscal_year_end_date
    from year_month_end as m
    inner join fsc_date_dimension as d
        on d.date_day >= {{ dbt.dateadd('day', -3, 'm.month_end_date') }}
        and d.date_day <= {{ dbt.dateadd('day', 3, 'm.month_end_date') }}
    where d.day_of_week = {{ week_end_day }}
),
fiscal_year_range as (
    select
        fiscal_year_number,
        cast({{ dbt.dateadd('day', 1, 'lag(fiscal_year_end_date) over (order by fiscal_year_number)') }} as date) as fiscal_year_start_date,
        fiscal_year_end_date
    from weeks
),
fiscal_year_dates as (
    select
        d.date_day,
        y.fiscal_year_number,
        y.fiscal_year_start_date,
        y.fiscal_year_end_date,
        cast({{ dbt.dateadd('day', '-7 * cast(floor(' ~ dbt.datediff('d.date_day', 'y.fiscal_year_end_date', 'day') ~ ' / 7.0) as int) - 6', 'y.fiscal_year_end_date') }} as date) as week_start_date,
        cast({{ dbt.dateadd('day', '-7 * cast(floor(' ~ dbt.datediff('d.date_day', 'y.fiscal_year_end_date', 'day') ~ ' / 7.0) as int)', 'y.fiscal_year_end_date') }} as date) as week_end_date,
        cast(floor({{ dbt.datediff('y.fiscal_year_start_date', 'd.date_day', 'day') }} / 7.0) as int) + 1 as fiscal_week_of_year
    from fsc_date_dimension as d
    inner join fiscal_year_range as y
        on d.date_day >= y.fiscal_year_start_date and d.date_day <= y.fiscal_year_end_date
)
select * from fiscal_year_dates
{%- endmacro %}

{# The same with periods of 4, 5 and 4 weeks; a 53rd week belongs to the last one. #}
{% macro get_fiscal_periods(dates, year_end_month, week_start_day, shift_year=1) -%}
    {{ return(adapter.dispatch('get_fiscal_periods', 'dbt_date')(dates, year_end_month, week_start_day, shift_year)) }}
{%- endmacro %}

{% macro default__get_fiscal_periods(dates, year_end_month, week_start_day, shift_year) -%}
with fscl_year_dates_for_periods as (
    {{ dbt_date.get_fiscal_year_dates(dates, year_end_month, week_start_day, shift_year) }}
),
fscl_year_w13 as (
    select
        f.*,
        {#- 13 weeks are a quarter. #}
        case when f.fiscal_week_of_year >= 53 then 4 else cast(floor((f.fiscal_week_of_year - 1) / 13.0) as int) + 1 end as quarter_number,
        case when f.fiscal_week_of_year >= 53 then 14 else f.fiscal_week_of_year - 13 * cast(floor((f.fiscal_week_of_year - 1) / 13.0) as int) end as w13_number
    from fscl_year_dates_for_periods as f
),
fscl_periods as (
    select
        f.date_day,
        f.fiscal_year_number,
        f.week_start_date,
        f.week_end_date,
        f.fiscal_week_of_year,
        case when f.w13_number <= 4 then 1 when f.w13_number <= 9 then 2 else 3 end as period_of_quarter,
        f.quarter_number
    from fscl_year_w13 as f
)
select
    date_day,
    fiscal_year_number,
    week_start_date,
    week_end_date,
    fiscal_week_of_year,
    dense_rank() over (partition by fiscal_year_number, quarter_number, period_of_quarter order by fiscal_week_of_year) as fiscal_week_of_period,
    (quarter_number - 1) * 3 + period_of_quarter as fiscal_period_number,
    quarter_number as fiscal_quarter_number,
    period_of_quarter as fiscal_period_of_quarter
from fscl_periods
{%- endmacro %}
