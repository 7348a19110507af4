-- Weeks are ISO weeks and start on Monday (WEEK_START = 0, WEEK_OF_YEAR_POLICY = 0), but dayofweek counts from Sunday = 0.
with days as (
    select column1::date as day_on
    from values ('2024-02-29'), ('2024-12-29'), ('2024-12-30'), ('2025-01-01'), ('2025-01-05'), ('2025-01-06'), ('2025-01-31')
)

select
    day_on,
    dayname(day_on) as day_short,
    monthname(day_on) as month_short,
    dayofweek(day_on) as from_sunday,
    dayofweekiso(day_on) as from_monday,
    week(day_on) as week_number,
    weekiso(day_on) as iso_week,
    yearofweekiso(day_on) as iso_year,
    date_trunc('week', day_on)::date as week_start,
    last_day(day_on, 'week') as week_end,
    datediff(week, '2024-12-29'::date, day_on) as weeks_from_sunday_29,
    datediff(month, '2024-12-31'::date, day_on) as months_from_new_years_eve,
    datediff(year, day_on, '2025-12-31'::date) as years_to,
    dateadd(month, 1, day_on) as month_later,
    dateadd(year, 1, day_on) as year_later,
    last_day(day_on) as month_end,
    next_day(day_on, 'fr') as next_friday,
    day_on + 1 as tomorrow,
    day_on - '2024-02-29'::date as days_since
from days
