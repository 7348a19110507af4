-- One row per merchant that any transaction names.
select
    {{ dbt_utils.generate_surrogate_key(['merchant']) }} as merchant_key,
    merchant as merchant_name,
    first_transaction_at,
    last_transaction_at,
    seen_in_batch,
    seen_in_streaming
from (
    select
        merchant,
        min(occurred_at) as first_transaction_at,
        max(occurred_at) as last_transaction_at,
        {{ dbt.bool_or("source_system = 'batch'") }} as seen_in_batch,
        {{ dbt.bool_or("source_system = 'streaming'") }} as seen_in_streaming
    from {{ ref('int_transactions') }}
    group by merchant
) as merchants
