select day_total, order_total
from (
    select
        (select sum(sales_usd) from {{ ref('fct_daily_sales') }}) as day_total,
        (select sum(net_amount_usd) from {{ ref('fct_orders') }} where status <> 'cancelled') as order_total
)
where abs(nvl(day_total, 0) - nvl(order_total, 0)) > 0.005
