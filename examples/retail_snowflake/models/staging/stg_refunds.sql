select
    refund_id,
    order_id,
    refund_text,
    try_to_decimal(regexp_replace(refund_text, '[$,]', ''), 10, 2) as amount,
    coalesce(try_to_date(requested_on, 'YYYY-MM-DD'), try_to_date(requested_on, 'MM/DD/YYYY')) as requested_on,
    iff(amount is null, 'unreadable', 'ok') as quality
from {{ ref('raw_refunds') }}
