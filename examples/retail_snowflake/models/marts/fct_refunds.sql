{{ config(transient=false) }}

select
    r.refund_id,
    r.order_id,
    r.amount,
    r.requested_on,
    r.quality,
    o.net_amount,
    {{ ratio('r.amount', 'o.net_amount', 3) }} as refunded_share,
    datediff(day, o.ordered_at, r.requested_on) as days_after_order
from {{ ref('stg_refunds') }} r
left join {{ ref('fct_orders') }} o using (order_id)
