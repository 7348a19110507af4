-- The three best sellers of each department.
select
    department,
    product_id,
    sum(quantity) as units,
    sum(net_amount)::number(14, 2) as net_amount,
    rank() over (partition by department order by units desc, product_id) as department_rank
from {{ ref('fct_order_items') }}
group by department, product_id
qualify department_rank <= 3
