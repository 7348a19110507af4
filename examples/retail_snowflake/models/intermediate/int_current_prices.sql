select product_id, valid_from as effective_at, list_price, first_price
from {{ ref('int_product_prices') }}
qualify rank() over (partition by product_id order by valid_from desc) = 1
