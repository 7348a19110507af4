select p.order_month
from {{ ref('rpt_sales_by_channel') }} p
join (
    select order_month, sum(net_amount_usd) as total
    from {{ ref('fct_orders') }}
    where status <> 'cancelled'
    group by all
) o using (order_month)
where abs(p.web + p.store + p.app - o.total) > 0.005
