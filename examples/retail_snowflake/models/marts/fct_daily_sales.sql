select
    d.calendar_date,
    d.day_short,
    d.is_weekend,
    count(o.order_id) as order_count,
    zeroifnull(sum(o.net_amount_usd))::number(14, 2) as sales_usd,
    sum(zeroifnull(sum(o.net_amount_usd))) over (
        partition by d.month_start order by d.calendar_date rows between unbounded preceding and current row
    )::number(14, 2) as month_to_date_usd
from {{ ref('int_calendar') }} d
left join {{ ref('fct_orders') }} o on o.ordered_at::date = d.calendar_date and o.status <> 'cancelled'
group by d.calendar_date, d.day_short, d.is_weekend, d.month_start
