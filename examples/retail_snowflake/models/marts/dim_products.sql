select
    p.product_id,
    p.sku,
    p.product_name,
    p.department,
    p.category,
    s.supplier_name,
    c.list_price,
    (c.list_price - c.first_price)::number(10, 2) as change_since_first,
    {{ ratio('c.list_price - p.unit_cost', 'c.list_price') }} as margin_ratio,
    p.weight_kg,
    nvl(k.color_list, 'none') as colors
from {{ ref('stg_products') }} p
left join {{ ref('stg_suppliers') }} s using (supplier_id)
left join {{ ref('int_current_prices') }} c on c.product_id = p.product_id
left join (
    select product_id, listagg(color, '/') within group (order by color) as color_list
    from {{ ref('int_product_colors') }}
    group by product_id
) k on k.product_id = p.product_id
