-- A pause of more than 30 minutes starts a new session of the visitor.
with ordered as (
    select
        event_id,
        visitor_id,
        event_type,
        "timestamp",
        lag("timestamp") over (partition by visitor_id order by "timestamp", event_id) as previous_at,
        datediff('minute', previous_at, "timestamp") as pause_minutes
    from {{ ref('stg_web_events') }}
    where visitor_id is not null
)

select
    *,
    iff(previous_at is null or pause_minutes > 30, 1, 0) as starts_session,
    sum(starts_session) over (
        partition by visitor_id order by "timestamp", event_id
        rows between unbounded preceding and current row
    )::int as session_number
from ordered
