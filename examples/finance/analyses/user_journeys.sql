{{ config(meta={'millstream': {
    'title': 'Journeys of users across transaction types',
    'chart': 'bar', 'x': 'journey', 'y': 'steps',
}}) }}
-- How do users move from one type of transaction to the next? Each pair of one user's consecutive transactions
-- is a step; the fifteen most frequent. File rows have no type of their own and count as `batch`.
with steps as (

    select
        user_key,
        transaction_type,
        occurred_at,
        lead(transaction_type) over (partition by user_key order by occurred_at, tx_id) as next_type,
        lead(occurred_at) over (partition by user_key order by occurred_at, tx_id) as next_at
    from {{ ref('fct_transactions') }}

)

select
    transaction_type || ' > ' || next_type as journey,
    count(*) as steps,
    count(distinct user_key) as users,
    cast(round(avg({{ dbt.datediff('occurred_at', 'next_at', 'hour') }})) as integer) as average_hours_between
from steps
where next_type is not null
group by 1
order by steps desc, journey
limit 15
