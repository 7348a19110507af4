-- User metrics count every transaction once, and convert to dollars what the transactions convert to
-- (each cell is rounded once, so the sums may differ by half a cent per row at most).
with transactions as (

    select
        count(*) as n,
        sum(facts.amount * currencies.usd_rate) as amount_usd
    from {{ ref('fct_transactions') }} as facts
    left join {{ ref('dim_currencies') }} as currencies on facts.currency_key = currencies.currency_key

),

metrics as (

    select
        sum(transaction_count) as n,
        sum(total_amount_usd) as amount_usd,
        count(*) as cells
    from {{ ref('fct_user_metrics') }}

)

select *
from transactions
cross join metrics
where
    transactions.n <> metrics.n
    or abs(transactions.amount_usd - metrics.amount_usd) > metrics.cells * cast('0.005' as decimal(4,3))
