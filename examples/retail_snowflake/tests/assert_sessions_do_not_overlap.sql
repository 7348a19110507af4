select visitor_id, session_number
from {{ ref('int_sessions') }}
qualify started_at <= lag(ended_at) over (partition by visitor_id order by session_number)
