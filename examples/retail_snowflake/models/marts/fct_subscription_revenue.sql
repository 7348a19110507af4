select
    m.month_start,
    p.plan_family,
    count(*) as subscriptions,
    count(distinct s.customer_id) as customers,
    sum(m.monthly_fee)::number(14, 2) as monthly_revenue,
    sum(iff(m.month_index = 0, m.monthly_fee, 0))::number(14, 2) as new_revenue
from {{ ref('int_subscription_months') }} m
join {{ ref('stg_subscriptions') }} s using (subscription_id)
join {{ ref('stg_plans') }} p using (plan_code)
group by 1, 2
