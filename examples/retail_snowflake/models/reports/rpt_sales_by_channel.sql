-- One column a channel.
with sales as (
    select order_month, channel, net_amount_usd from {{ ref('fct_orders') }} where status <> 'cancelled'
)

select order_month, zeroifnull(web)::number(14, 2) as web, zeroifnull(store)::number(14, 2) as store, zeroifnull(app)::number(14, 2) as app
from sales
    pivot (sum(net_amount_usd) for channel in ('web', 'store', 'app')) as p (order_month, web, store, app)
