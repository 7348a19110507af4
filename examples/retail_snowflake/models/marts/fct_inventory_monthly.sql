with counted as (
    select p.product_id, c.counted_month, c.units
    from {{ ref('stg_inventory_counts') }} c
    join {{ ref('stg_products') }} p on p.sku = c.sku
)

select
    product_id,
    counted_month,
    units,
    units - lag(units) over (partition by product_id order by counted_month) as unit_change,
    datediff(month, lag(counted_month) over (partition by product_id order by counted_month), counted_month) as months_since_count,
    nullif(units, 0) is null as is_out_of_stock
from counted
