select
    p.product_id,
    f.index as color_index,
    f.value::string as color
from {{ ref('stg_products') }} p,
    lateral flatten(input => p.attributes_json:colors) f
