select
    product_id,
    effective_at as valid_from,
    lead(effective_at) over (partition by product_id order by effective_at) as valid_to,
    list_price,
    list_price - lag(list_price) over (partition by product_id order by effective_at) as price_change,
    first_value(list_price) over (partition by product_id order by effective_at) as first_price,
    valid_to is null as is_current
from {{ ref('stg_price_changes') }}
