select product_id, count_if(dbt_valid_to is null) as current_rows
from {{ ref('snap_prices') }}
group by all
having current_rows <> 1
