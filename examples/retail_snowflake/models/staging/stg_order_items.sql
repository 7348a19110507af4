select * exclude (gift_note) replace (zeroifnull(discount_percent)::number(5, 2) as discount_percent),
    nullif(trim(gift_note), '') as gift_text
from {{ ref('raw_order_items') }}
