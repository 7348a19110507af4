-- Products that were bought together, each pair once.
select
    least(a.product_id, b.product_id) as product_a,
    greatest(a.product_id, b.product_id) as product_b,
    count(distinct a.order_id) as orders_together
from {{ ref('int_order_items_priced') }} a
join {{ ref('int_order_items_priced') }} b on a.order_id = b.order_id and a.product_id < b.product_id
group by all
having orders_together > 1
