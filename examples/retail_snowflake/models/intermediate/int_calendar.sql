with days as (
    {{ day_spine(var('calendar_start'), var('calendar_days')) }}
)

select
    calendar_date,
    year(calendar_date) as year_number,
    quarter(calendar_date) as quarter_number,
    month(calendar_date) as month_number,
    monthname(calendar_date) as month_short,
    day(calendar_date) as day_number,
    dayname(calendar_date) as day_short,
    dayofweek(calendar_date) as day_of_week,
    dayofweekiso(calendar_date) as day_of_week_iso,
    weekiso(calendar_date) as iso_week,
    yearofweekiso(calendar_date) as iso_year,
    date_trunc('week', calendar_date)::date as week_start,
    date_trunc(month, calendar_date)::date as month_start,
    last_day(calendar_date) as month_end,
    last_day(calendar_date, 'week') as week_end,
    last_day(calendar_date, 'quarter') as quarter_end,
    iff(day_of_week in (0, 6), true, false) as is_weekend,
    to_char(calendar_date, 'YYYYMMDD')::int as date_key
from days
