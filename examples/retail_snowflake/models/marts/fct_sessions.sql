select
    s.* exclude (path),
    left(s.path, 40) as path_start,
    zeroifnull(i.purchased_amount) as purchased_amount,
    zeroifnull(p.pages) as product_pages
from {{ ref('int_sessions') }} s
left join (
    select e.visitor_id, e.session_number, sum(i.amount)::number(12, 2) as purchased_amount
    from {{ ref('int_sessions_events') }} e
    join {{ ref('int_event_items') }} i on i.event_id = e.event_id
    where i.event_type = 'purchase'
    group by all
) i on i.visitor_id = s.visitor_id and i.session_number = s.session_number
left join (
    select visitor_id, session_number, count(*) as pages from {{ ref('int_session_pages') }} group by all
) p on p.visitor_id = s.visitor_id and p.session_number = s.session_number
