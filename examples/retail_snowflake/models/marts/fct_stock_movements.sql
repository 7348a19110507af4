select m.*, b.balance, b.balance < 0 as is_negative
from {{ ref('stg_stock_movements') }} m
join {{ ref('int_stock_balance') }} b using (movement_id, product_id, store_id)
