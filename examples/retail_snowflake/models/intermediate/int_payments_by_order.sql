select
    order_id,
    count(*) as payment_count,
    sum(iff(payment_state = 'settled', amount, 0))::number(14, 2) as settled_amount,
    sum(iff(payment_state <> 'settled', amount, 0))::number(14, 2) as open_amount,
    listagg(distinct method, ', ') within group (order by method) as methods,
    array_agg(payment_id) within group (order by payment_id) as payment_ids,
    max_by(method, payment_id) as last_method,
    min(paid_at) as first_paid_at,
    max(risk_score) as worst_risk
from {{ ref('stg_payments') }}
group by order_id
