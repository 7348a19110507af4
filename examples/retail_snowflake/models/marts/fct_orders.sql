-- Merged by order: a later version of an order replaces the earlier one.
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id') }}

select
    o.order_id,
    o.customer_id,
    o.store_id,
    o.channel,
    o.currency,
    o.status,
    o.ordered_at,
    o.updated_at,
    to_char(o.ordered_at, 'YYYY-MM') as order_month,
    t.line_count,
    t.unit_count,
    t.net_amount,
    u.net_amount_usd,
    zeroifnull(p.settled_amount) as settled_amount,
    t.basket
from {{ ref('stg_orders') }} o
left join {{ ref('int_order_totals') }} t on t.order_id = o.order_id
left join {{ ref('int_orders_usd') }} u on u.order_id = o.order_id
left join {{ ref('int_payments_by_order') }} p on p.order_id = o.order_id
{% if is_incremental() %}
where o.updated_at > (select max(updated_at) from {{ this }})
{% endif %}
