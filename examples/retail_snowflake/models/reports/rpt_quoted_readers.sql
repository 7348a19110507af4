select
    "Event Id" as event_id,
    "date"::string || '|' || "Select" as day_and_type,
    "a ""quoted"" name" as type_and_coupon,
    hour("timestamp") as hour_number
from {{ ref('rpt_quoted_names') }}
order by "timestamp"
