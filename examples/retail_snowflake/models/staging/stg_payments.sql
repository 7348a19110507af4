select
    payment_id,
    order_id,
    decode(method_code, 'CC', 'card', 'PP', 'wallet', 'GC', 'gift card', 'BT', 'transfer', 'unknown') as method,
    (amount_cents * 0.01)::number(12, 2) as amount,
    paid_at,
    try_parse_json(gateway_response) as response,
    response:code::int as response_code,
    response:risk.score::number(4, 1) as risk_score,
    case when response is null then 'unreadable' when response_code = 0 then 'settled' else 'declined' end as payment_state
from {{ ref('raw_payments') }}
where {{ known_by('paid_at') }}
