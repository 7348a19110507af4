with firsts as (
    select customer_id, date_trunc('month', min(ordered_at))::date as cohort_month
    from {{ ref('fct_orders') }}
    group by all
)

select
    f.cohort_month,
    datediff('month', f.cohort_month, o.ordered_at) as month_index,
    count(distinct o.customer_id) as customers,
    sum(o.net_amount_usd)::number(14, 2) as sales_usd
from firsts f
join {{ ref('fct_orders') }} o using (customer_id)
group by all
