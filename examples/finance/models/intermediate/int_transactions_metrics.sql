-- Activity of each user by month, source and currency. Amounts of different currencies are never added up here.
select
    user_id,
    cast({{ dbt.date_trunc('month', 'occurred_at') }} as date) as month_start,
    source_system,
    currency,
    count(*) as transaction_count,
    cast(sum(case when amount < 0 then 1 else 0 end) as bigint) as refund_count,
    cast(sum(amount) as decimal(18,2)) as total_amount,
    cast(sum(case when amount < 0 then amount else cast(0 as decimal(18,2)) end) as decimal(18,2)) as refund_amount,
    min(amount) as min_amount,
    max(amount) as max_amount,
    min(occurred_at) as first_transaction_at,
    max(occurred_at) as last_transaction_at
from {{ ref('int_transactions') }}
group by 1, 2, 3, 4
