select
    order_id,
    count(*) as line_count,
    sum(quantity) as unit_count,
    sum(gross_amount)::number(14, 2) as gross_amount,
    sum(discount_amount)::number(14, 2) as discount_amount,
    sum(net_amount)::number(14, 2) as net_amount,
    count_if(is_gift) as gift_lines,
    boolor_agg(is_gift) as has_gift,
    listagg(product_id, '+') within group (order by product_id) as basket
from {{ ref('int_order_items_priced') }}
group by all
