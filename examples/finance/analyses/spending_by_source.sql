{{ config(meta={'millstream': {
    'title': 'Spending by source and category group',
    'chart': 'bar', 'x': 'category_group', 'y': 'total_amount_usd', 'series': 'source_system',
}}) }}
-- How do spending patterns differ by source? Amounts in US dollars at the fixed planning rates of the seed.
select
    daily.source_system,
    categories.category_group,
    sum(daily.transaction_count) as transactions,
    sum(daily.refund_count) as refunds,
    cast(sum(daily.total_amount * currencies.usd_rate) as decimal(18,2)) as total_amount_usd,
    {{ average_amount('sum(daily.total_amount * currencies.usd_rate)', 'sum(daily.transaction_count)') }} as average_amount_usd
from {{ ref('fct_daily_transactions') }} as daily
join {{ ref('dim_categories') }} as categories on daily.category_key = categories.category_key
join {{ ref('dim_currencies') }} as currencies on daily.currency_key = currencies.currency_key
where currencies.usd_rate is not null
group by daily.source_system, categories.category_group
order by daily.source_system, total_amount_usd desc, categories.category_group
