-- The list price of the moment of the order, then amounts by lateral aliases.
with items as (
    select i.order_id, i.line_number, i.product_id, i.quantity, i.discount_percent, i.gift_text, o.ordered_at
    from {{ ref('stg_order_items') }} i
    join {{ ref('stg_orders') }} o on o.order_id = i.order_id
)

select
    i.order_id,
    i.line_number,
    i.product_id,
    i.quantity,
    p.list_price as unit_price,
    i.quantity * unit_price as gross_amount,
    round(gross_amount * i.discount_percent * 0.01, 2)::number(12, 2) as discount_amount,
    (gross_amount - discount_amount)::number(12, 2) as net_amount,
    i.gift_text is not null as is_gift
from items i
    asof join {{ ref('stg_price_changes') }} p
    match_condition (i.ordered_at >= p.effective_at)
    on i.product_id = p.product_id
