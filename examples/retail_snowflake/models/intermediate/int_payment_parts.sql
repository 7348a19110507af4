-- Back from the array to rows.
select
    p.order_id,
    f.index as part_index,
    f.value::int as payment_id
from {{ ref('int_payments_by_order') }} as p,
    lateral flatten(input => p.payment_ids) as f
