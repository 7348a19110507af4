select * exclude (day_short) rename (month_short as month_name),
    day_short as day_name
from {{ ref('int_calendar') }}
