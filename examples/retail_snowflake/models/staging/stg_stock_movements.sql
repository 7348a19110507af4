select
    movement_id,
    product_id,
    store_id,
    movement_type,
    quantity,
    moved_at,
    date_trunc('week', moved_at)::date as moved_week,
    iff(quantity < 0, 'out', 'in') as direction
from {{ ref('raw_stock_movements') }}
