with running as (
    select
        movement_id,
        product_id,
        store_id,
        quantity,
        moved_at,
        sum(quantity) over (
            partition by product_id order by moved_at, movement_id rows unbounded preceding
        ) as balance
    from {{ ref('stg_stock_movements') }}
)

select *, min(balance) over (partition by product_id) as lowest_balance
from running
