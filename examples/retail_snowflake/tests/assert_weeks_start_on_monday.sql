select calendar_date, week_start
from {{ ref('dim_dates') }}
where dayname(week_start) <> 'Mon' or datediff(day, week_start, calendar_date) not between 0 and 6
