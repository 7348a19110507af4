select
    ticket_id,
    opened_at,
    closed_at,
    datediff('hour', opened_at, closed_at) as hours_open,
    datediff('day', opened_at, closed_at) as days_open,
    datediff('week', opened_at, closed_at) as weeks_open,
    date_part(epoch_second, opened_at) as opened_epoch,
    timestampdiff(minute, opened_at, closed_at) as minutes_open,
    dateadd('hour', 48, opened_at) as due_at,
    iff(nvl(closed_at, '9999-12-31'::timestamp_ntz) > due_at, 'late', 'in time') as punctuality
from {{ ref('stg_support_tickets') }}
