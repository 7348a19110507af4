-- User by month. Amounts are added up over currencies in US dollars at the fixed planning rates of the
-- currencies seed, rounded once per cell; transactions whose currency has no rate count as transactions, are in
-- no `_usd` column and are counted in unconverted_count.
with by_currency as (

    select
        user_id,
        month_start,
        currency,
        sum(transaction_count) as transaction_count,
        sum(case when source_system = 'batch' then transaction_count else 0 end) as batch_count,
        sum(case when source_system = 'streaming' then transaction_count else 0 end) as streaming_count,
        sum(refund_count) as refund_count,
        sum(total_amount) as total_amount,
        sum(case when source_system = 'batch' then total_amount end) as batch_amount,
        sum(case when source_system = 'streaming' then total_amount end) as streaming_amount,
        sum(refund_amount) as refund_amount,
        min(first_transaction_at) as first_transaction_at,
        max(last_transaction_at) as last_transaction_at
    from {{ ref('int_transactions_metrics') }}
    group by 1, 2, 3

),

monthly as (

    select
        by_currency.user_id,
        by_currency.month_start,
        sum(by_currency.transaction_count) as transaction_count,
        sum(by_currency.batch_count) as batch_count,
        sum(by_currency.streaming_count) as streaming_count,
        sum(by_currency.refund_count) as refund_count,
        sum(case when currencies.usd_rate is null then by_currency.transaction_count else 0 end) as unconverted_count,
        count(*) as currency_count,
        sum(cast(by_currency.total_amount as decimal(18,2)) * currencies.usd_rate) as total_usd,
        sum(cast(by_currency.batch_amount as decimal(18,2)) * currencies.usd_rate) as batch_usd,
        sum(cast(by_currency.streaming_amount as decimal(18,2)) * currencies.usd_rate) as streaming_usd,
        sum(cast(by_currency.refund_amount as decimal(18,2)) * currencies.usd_rate) as refund_usd,
        min(by_currency.first_transaction_at) as first_transaction_at,
        max(by_currency.last_transaction_at) as last_transaction_at
    from by_currency
    left join {{ ref('dim_currencies') }} as currencies on by_currency.currency = currencies.currency_code
    group by 1, 2

)

select
    {{ dbt_utils.generate_surrogate_key(['monthly.user_id', 'monthly.month_start']) }} as user_month_key,
    users.user_key,
    -- the version of the user that held at the month's last transaction
    users.user_version_key,
    monthly.month_start,
    users.customer_tier,
    cast(monthly.transaction_count as bigint) as transaction_count,
    cast(monthly.batch_count as bigint) as batch_count,
    cast(monthly.streaming_count as bigint) as streaming_count,
    cast(monthly.refund_count as bigint) as refund_count,
    cast(monthly.unconverted_count as bigint) as unconverted_count,
    cast(monthly.currency_count as bigint) as currency_count,
    cast(coalesce(monthly.total_usd, 0) as decimal(18,2)) as total_amount_usd,
    cast(coalesce(monthly.batch_usd, 0) as decimal(18,2)) as batch_amount_usd,
    cast(coalesce(monthly.streaming_usd, 0) as decimal(18,2)) as streaming_amount_usd,
    cast(coalesce(monthly.refund_usd, 0) as decimal(18,2)) as refund_amount_usd,
    monthly.batch_count > 0 and monthly.streaming_count > 0 as uses_both_sources,
    monthly.first_transaction_at,
    monthly.last_transaction_at
from monthly
left join {{ ref('dim_users_scd2') }} as users
    on monthly.user_id = users.user_id
    and monthly.last_transaction_at >= users.applies_from
    and monthly.last_transaction_at < users.applies_to
