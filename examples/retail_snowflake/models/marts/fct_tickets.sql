select
    t.ticket_id,
    t.customer_id,
    t.subject,
    t.is_about_order,
    x.* exclude (ticket_id),
    zeroifnull(g.tag_count) as tag_count,
    t.second_phone
from {{ ref('stg_support_tickets') }} t
join {{ ref('int_ticket_times') }} x on x.ticket_id = t.ticket_id
left join (
    select ticket_id, count(*) as tag_count from {{ ref('int_ticket_tags') }} where tag <> '' group by all
) g on g.ticket_id = t.ticket_id
