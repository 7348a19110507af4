select
    ticket_id,
    customer_id,
    to_timestamp_ntz(opened, 'YYYY-MM-DD HH24:MI:SS') as opened_at,
    try_to_timestamp(nullif(closed, '')) as closed_at,
    subject,
    subject ilike any ('%refund%', '%where is my order%') as is_about_order,
    subject ilike '%order%' as names_order,
    contains(subject, '%') as has_percent,
    tags,
    body,
    regexp_count(body, '555-[0-9]+') as phone_count,
    regexp_substr(body, '555-[0-9]+', 1, 2) as second_phone,
    try_to_number(regexp_substr(body, 'Order ([0-9]+)', 1, 1, 'e', 1)) as order_number
from {{ ref('raw_support_tickets') }}
