select
    i.order_id::string || '-' || i.line_number::string as order_item_id,
    i.*,
    p.department,
    (i.quantity * p.unit_cost)::number(12, 2) as cost_amount,
    i.net_amount - cost_amount as margin_amount
from {{ ref('int_order_items_priced') }} i
join {{ ref('stg_products') }} p on p.product_id = i.product_id
