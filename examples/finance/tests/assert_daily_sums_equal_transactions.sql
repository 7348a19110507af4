-- The daily fact adds up to the transactions, for each currency: count and amount.
with transactions as (

    select currency_code, count(*) as n, cast(sum(amount) as decimal(18,2)) as amount
    from {{ ref('fct_transactions') }}
    group by 1

),

daily as (

    select currency_code, sum(transaction_count) as n, cast(sum(total_amount) as decimal(18,2)) as amount
    from {{ ref('fct_daily_transactions') }}
    group by 1

)

select transactions.currency_code, transactions.n, daily.n as daily_n, transactions.amount, daily.amount as daily_amount
from transactions
full outer join daily on transactions.currency_code = daily.currency_code
where
    (transactions.n is distinct from daily.n)
    or (transactions.amount is distinct from daily.amount)
