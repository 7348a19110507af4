-- The rate that holds on each day: the latest one not after it.
with currencies as (
    select distinct currency from {{ ref('stg_exchange_rates') }}
),

wanted as (
    select d.calendar_date, c.currency
    from {{ ref('int_calendar') }} d
    cross join currencies c
)

select
    w.calendar_date,
    w.currency,
    r.valid_from,
    r.usd_rate,
    datediff(day, r.valid_from, w.calendar_date) as rate_age_days
from wanted w
    asof join {{ ref('stg_exchange_rates') }} r
    match_condition (w.calendar_date >= r.valid_from)
    on w.currency = r.currency
