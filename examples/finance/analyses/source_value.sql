{{ config(meta={'millstream': {
    'title': 'What each source contributes to user value',
    'chart': 'bar', 'x': 'origin_system', 'y': 'total_amount_usd',
}}) }}
-- Which sources contribute most to the value of users? Amounts in US dollars at the fixed planning rates.
with by_origin as (

    select
        facts.source_system,
        facts.origin_system,
        count(*) as transactions,
        count(distinct facts.user_key) as users,
        sum(facts.amount * currencies.usd_rate) as amount_usd
    from {{ ref('fct_transactions') }} as facts
    join {{ ref('dim_currencies') }} as currencies on facts.currency_key = currencies.currency_key
    group by facts.source_system, facts.origin_system

)

select
    source_system,
    origin_system,
    transactions,
    users,
    cast(coalesce(amount_usd, 0) as decimal(18,2)) as total_amount_usd,
    {{ average_amount('coalesce(amount_usd, 0)', 'users') }} as amount_usd_per_user,
    round(100 * cast(coalesce(amount_usd, 0) as double) / nullif(cast(sum(amount_usd) over () as double), 0), 1) as percent_of_amount
from by_origin
order by total_amount_usd desc, source_system, origin_system
