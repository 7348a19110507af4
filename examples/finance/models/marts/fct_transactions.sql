-- One row per transaction, with the keys of all dimensions. The joins are left joins on dimensions that have
-- every member by construction, so no transaction is dropped and no key is null; the tests prove both.
select
    transactions.tx_id,
    users.user_key,
    -- the version of the user that held when it happened
    users.user_version_key,
    merchants.merchant_key,
    categories.category_key,
    currencies.currency_key,
    dates.date_key,
    transactions.occurred_at,
    transactions.source_system,
    transactions.origin_system,
    transactions.transaction_type,
    users.customer_tier,
    -- an amount means nothing without its currency
    transactions.currency as currency_code,
    transactions.amount,
    transactions.processing_time_ms
from {{ ref('int_transactions') }} as transactions
left join {{ ref('dim_users_scd2') }} as users
    on transactions.user_id = users.user_id
    and transactions.occurred_at >= users.applies_from
    and transactions.occurred_at < users.applies_to
left join {{ ref('dim_merchants') }} as merchants on transactions.merchant = merchants.merchant_name
left join {{ ref('dim_categories') }} as categories on transactions.category = categories.category
left join {{ ref('dim_currencies') }} as currencies on transactions.currency = currencies.currency_code
left join {{ ref('dim_dates') }} as dates on cast(transactions.occurred_at as date) = dates.date_day
