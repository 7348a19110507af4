-- Unquoted names are one name in any case; quoted ones are kept to the letter, blanks and keywords included.
select
    Event_ID as "Event Id",
    "OCCURRED_AT" as "timestamp",
    occurred_at::date as "date",
    EVENT_TYPE as "Select",
    event_type || ':' || coupon as "a ""quoted"" name"
from {{ ref('fct_web_events') }}
where event_type in ('purchase', 'checkout')
