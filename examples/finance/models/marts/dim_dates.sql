-- The calendar: every day of every calendar year that has a transaction, with business and fiscal attributes.
{% set fiscal_start = var('fiscal_year_start_month') | int -%}
with days as (

    {{ dbt_utils.date_spine(
        datepart='day',
        start_date="cast('" ~ var('calendar_start') ~ "' as date)",
        end_date="cast('" ~ var('calendar_end') ~ "' as date)"
    ) }}

),

span as (

    select
        min(extract(year from month_start)) as first_year,
        max(extract(year from month_start)) as last_year
    from {{ ref('int_transactions_seen') }}

),

parts as (

    select
        cast(days.date_day as date) as date_day,
        cast(extract(year from days.date_day) as integer) as year_number,
        cast(extract(quarter from days.date_day) as integer) as quarter_number,
        cast(extract(month from days.date_day) as integer) as month_number,
        cast(extract(day from days.date_day) as integer) as day_of_month,
        cast(extract(doy from days.date_day) as integer) as day_of_year,
        cast(extract(week from days.date_day) as integer) as iso_week,
        -- Sunday is 0
        cast(extract(dow from days.date_day) as integer) as day_of_week
    from days
    cross join span
    where extract(year from days.date_day) between span.first_year and span.last_year

)

select
    cast(parts.year_number * 10000 + parts.month_number * 100 + parts.day_of_month as integer) as date_key,
    parts.date_day,
    parts.year_number,
    parts.quarter_number,
    parts.month_number,
    case parts.month_number
        when 1 then 'January' when 2 then 'February' when 3 then 'March' when 4 then 'April'
        when 5 then 'May' when 6 then 'June' when 7 then 'July' when 8 then 'August'
        when 9 then 'September' when 10 then 'October' when 11 then 'November' else 'December'
    end as month_name,
    cast({{ dbt.date_trunc('month', 'parts.date_day') }} as date) as month_start,
    parts.day_of_month,
    parts.day_of_year,
    parts.iso_week,
    parts.day_of_week,
    case parts.day_of_week
        when 0 then 'Sunday' when 1 then 'Monday' when 2 then 'Tuesday' when 3 then 'Wednesday'
        when 4 then 'Thursday' when 5 then 'Friday' else 'Saturday'
    end as day_name,
    parts.day_of_week in (0, 6) as is_weekend,
    holidays.holiday_name,
    parts.day_of_week not in (0, 6) and holidays.holiday_date is null as is_business_day,
    -- The fiscal year is named after the calendar year in which it ends.
    {% if fiscal_start == 1 -%}
    parts.year_number as fiscal_year,
    {%- else -%}
    cast(parts.year_number + case when parts.month_number >= {{ fiscal_start }} then 1 else 0 end as integer) as fiscal_year,
    {%- endif %}
    cast((parts.month_number + 12 - {{ fiscal_start }}) % 12 + 1 as integer) as fiscal_month,
    cast(case
        when (parts.month_number + 12 - {{ fiscal_start }}) % 12 < 3 then 1
        when (parts.month_number + 12 - {{ fiscal_start }}) % 12 < 6 then 2
        when (parts.month_number + 12 - {{ fiscal_start }}) % 12 < 9 then 3
        else 4
    end as integer) as fiscal_quarter
from parts
left join {{ ref('bank_holidays') }} as holidays on parts.date_day = holidays.holiday_date
