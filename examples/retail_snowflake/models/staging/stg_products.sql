select
    product_id,
    sku,
    split_part(sku, '-', 1) as sku_family,
    split_part(sku, '-', -1) as size_code,
    product_name,
    trim(split_part(category_path, '>', 1)) as department,
    nullif(trim(split_part(category_path, '>', 2)), '') as category,
    nvl(category, department) as lowest_category,
    supplier_id,
    list_price,
    unit_cost,
    (list_price - unit_cost)::number(10, 2) as unit_margin,
    try_cast(weight as number(8, 3)) as weight_kg,
    parse_json(attributes) as attributes_json,
    attributes_json:dims.w::number(6, 2) as width_cm,
    nvl(attributes_json:eco::boolean, false) as is_eco
from {{ ref('raw_products') }}
