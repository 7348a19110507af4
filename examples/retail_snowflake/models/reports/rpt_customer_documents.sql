with documents as (
    select
        j.customer_id,
        object_construct('name', c.full_name, 'tier', c.loyalty_tier, 'orders', j.orders_json, 'count', j.order_count) as document
    from {{ ref('int_customer_orders_json') }} j
    join {{ ref('dim_customers') }} c using (customer_id)
)

select
    customer_id,
    document,
    document:orders[0].channel::string as first_channel,
    array_size(document:orders) as orders_in_document,
    document:tier is null as has_no_tier
from documents
