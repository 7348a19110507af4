{{ config(meta={'millstream': {
    'title': 'Users with both batch and streaming transactions',
    'chart': 'bar', 'x': 'customer_tier', 'y': 'users_in_both',
}}) }}
-- Which users have transactions in both systems? By tier; a user's tier is the current one.
with activity as (

    select
        user_key,
        sum(batch_count) as batch_count,
        sum(streaming_count) as streaming_count,
        sum(total_amount_usd) as total_amount_usd
    from {{ ref('fct_user_metrics') }}
    group by user_key

)

select
    users.customer_tier,
    count(*) as users_with_transactions,
    sum(case when activity.batch_count > 0 and activity.streaming_count > 0 then 1 else 0 end) as users_in_both,
    sum(case when activity.batch_count > 0 and activity.streaming_count > 0 then activity.batch_count else 0 end) as their_batch_transactions,
    sum(case when activity.batch_count > 0 and activity.streaming_count > 0 then activity.streaming_count else 0 end) as their_streaming_transactions,
    cast(sum(case when activity.batch_count > 0 and activity.streaming_count > 0 then activity.total_amount_usd else 0 end) as decimal(18,2)) as their_amount_usd
from activity
join {{ ref('dim_users') }} as users on activity.user_key = users.user_key
group by users.customer_tier
order by users_in_both desc, users.customer_tier
