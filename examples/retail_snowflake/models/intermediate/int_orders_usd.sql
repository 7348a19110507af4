select
    o.order_id,
    o.currency,
    o.ordered_at,
    t.net_amount,
    r.usd_rate,
    round(t.net_amount * r.usd_rate, 2)::number(14, 2) as net_amount_usd
from {{ ref('stg_orders') }} as o
inner join {{ ref('int_order_totals') }} as t using (order_id)
left join {{ ref('int_rates_daily') }} as r
    on r.calendar_date = o.ordered_at::date and r.currency = o.currency
