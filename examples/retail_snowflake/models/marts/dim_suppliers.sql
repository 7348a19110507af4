select s.*, p.product_count, nvl(p.average_cost, 0)::number(12, 4) as average_cost
from {{ ref('stg_suppliers') }} s
left join (
    select supplier_id, count(*) as product_count, round(avg(unit_cost), 4) as average_cost
    from {{ ref('stg_products') }}
    group by supplier_id
) p on p.supplier_id = s.supplier_id
