select
    visitor_id,
    session_number,
    visitor_id || '-' || lpad(session_number::string, 3, '0') as session_id,
    min("timestamp") as started_at,
    max("timestamp") as ended_at,
    datediff(second, started_at, ended_at) as duration_seconds,
    count(*) as event_count,
    count_if(event_type = 'purchase') > 0 as has_purchase,
    listagg(event_type, '>') within group (order by "timestamp", event_id) as path
from {{ ref('int_sessions_events') }}
group by visitor_id, session_number
