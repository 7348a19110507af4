-- One row for each month in which a subscription was running on the month's last day.
with numbers as (
    select row_number() over (order by seq4()) - 1 as month_index
    from table(generator(rowcount => 12))
)

select
    s.subscription_id,
    n.month_index,
    dateadd(month, n.month_index, date_trunc('month', s.started_on))::date as month_start,
    last_day(month_start) as month_end,
    s.monthly_fee
from {{ ref('stg_subscriptions') }} s
cross join numbers n
where month_end >= s.started_on
    and month_end < nvl(s.ended_on, '2025-05-01'::date)
