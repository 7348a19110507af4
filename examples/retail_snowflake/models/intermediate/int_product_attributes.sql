-- One row for each attribute of the product, whatever it is called.
select
    p.product_id,
    f.key as attribute,
    f.value::string as attribute_text
from {{ ref('stg_products') }} as p,
    lateral flatten(input => p.attributes_json:dims) as f
