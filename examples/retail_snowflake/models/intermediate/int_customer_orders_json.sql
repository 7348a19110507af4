-- A document a customer, as an API would want it.
select
    o.customer_id,
    count(*) as order_count,
    array_agg(
        object_construct('id', o.order_id, 'channel', o.channel, 'store', o.store_id, 'net', u.net_amount_usd)
    ) within group (order by o.order_id) as orders_json
from {{ ref('stg_orders') }} o
left join {{ ref('int_orders_usd') }} u on u.order_id = o.order_id
group by o.customer_id
