with totals as (
    select
        customer_id,
        count(*) as orders,
        sum(net_amount_usd)::number(14, 2) as value_usd,
        max(ordered_at)::date as last_order_on,
        datediff(day, last_order_on, '2025-04-01'::date) as days_since
    from {{ ref('fct_orders') }}
    where status not in ('cancelled', 'returned')
    group by customer_id
)

select
    c.customer_id,
    c.full_name,
    zeroifnull(t.orders) as orders,
    t.value_usd,
    t.days_since,
    -- Nulls are greater than every value in Snowflake: first when descending.
    row_number() over (order by t.value_usd desc, c.customer_id) as rank_nulls_first,
    row_number() over (order by t.value_usd, c.customer_id) as rank_nulls_last,
    row_number() over (order by t.value_usd desc nulls last, c.customer_id) as rank_by_value,
    case when t.value_usd > 1000 then 'A' when t.value_usd > 300 then 'B' else 'C' end as grade
from {{ ref('dim_customers') }} c
left join totals t on t.customer_id = c.customer_id
