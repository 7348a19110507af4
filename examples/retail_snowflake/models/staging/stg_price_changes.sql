select product_id, effective_at, list_price, nullif(reason, '') as reason
from {{ ref('raw_price_changes') }}
where {{ known_by('effective_at') }}
