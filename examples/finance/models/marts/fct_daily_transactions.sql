-- Day by source, category, currency and tier. A late row is in its day at once.
-- Amounts are in the currency of the row.
with daily as (

    select
        date_key,
        source_system,
        category_key,
        currency_key,
        customer_tier,
        count(*) as transaction_count,
        count(distinct user_key) as distinct_users,
        cast(sum(case when amount < 0 then 1 else 0 end) as bigint) as refund_count,
        cast(sum(amount) as decimal(18,2)) as total_amount,
        cast(sum(case when amount < 0 then amount else cast(0 as decimal(18,2)) end) as decimal(18,2)) as refund_amount,
        min(amount) as min_amount,
        max(amount) as max_amount
    from {{ ref('fct_transactions') }}
    group by 1, 2, 3, 4, 5

)

select
    {{ dbt_utils.generate_surrogate_key(['daily.date_key', 'daily.source_system', 'daily.category_key', 'daily.currency_key', 'daily.customer_tier']) }} as daily_key,
    daily.date_key,
    dates.date_day,
    daily.source_system,
    daily.category_key,
    categories.category,
    daily.currency_key,
    currencies.currency_code,
    daily.customer_tier,
    daily.transaction_count,
    daily.distinct_users,
    daily.refund_count,
    daily.total_amount,
    daily.refund_amount,
    {{ average_amount('daily.total_amount', 'daily.transaction_count') }} as average_amount,
    daily.min_amount,
    daily.max_amount
from daily
left join {{ ref('dim_dates') }} as dates on daily.date_key = dates.date_key
left join {{ ref('dim_categories') }} as categories on daily.category_key = categories.category_key
left join {{ ref('dim_currencies') }} as currencies on daily.currency_key = currencies.currency_key
