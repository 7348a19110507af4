select
    e.event_id,
    e.event_type,
    e.visitor_id,
    f.index + 1 as item_number,
    f.value:product_id::int as product_id,
    f.value:qty::int as quantity,
    f.value:price::number(10, 2) as price,
    (quantity * price)::number(12, 2) as amount
from {{ ref('stg_web_events') }} e,
    lateral flatten(input => e.body:items) f
