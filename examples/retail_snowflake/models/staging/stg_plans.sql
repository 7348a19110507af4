select
    plan_code,
    split_part(plan_code, '-', 1) as plan_family,
    split_part(plan_code, '-', -1) as billing_code,
    plan_name,
    billing_period_months,
    iff(billing_period_months > 1, 'long', 'short') as commitment
from {{ ref('plans') }}
