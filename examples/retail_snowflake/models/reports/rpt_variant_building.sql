with customers as (
    select customer_id, full_name, nvl(email, 'none') as mail, referred_by, loyalty_tier
    from {{ ref('dim_customers') }}
    where customer_id <= 5
),

built as (
    select
        *,
        object_construct('id', customer_id, 'mail', mail, 'by', referred_by) as facts,
        object_construct_keep_null('id', customer_id, 'referrer', referred_by) as facts_with_nulls,
        array_construct(full_name, nvl(loyalty_tier, 'none'), 'x') as list
    from customers
),

tiers as (
    select array_agg(loyalty_tier) within group (order by customer_id desc) as all_tiers from customers
)

select
    b.* exclude (mail, referred_by, full_name),
    b.facts:id::int + 1 as one_more,
    b.facts:by is null as has_no_referrer,
    b.list[2]::string as third_in_list,
    array_size(b.list) as list_size,
    t.all_tiers
from built b
cross join tiers t
