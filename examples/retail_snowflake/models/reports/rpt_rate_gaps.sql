-- As of a rate: orders before the first rate of their currency keep a row without one.
with wanted as (
    select column1 as currency, column2::date as wanted_on
    from values ('CAD', '2024-09-01'), ('CAD', '2024-10-20'), ('GBP', '2025-04-01'), ('USD', '2025-01-01'), ('XXX', '2025-01-01')
),

rates as (
    select column1 as currency, column2::date as valid_from, column3::number(12, 6) as usd_rate
    from values
        ('CAD', '2024-10-12', 0.7354), ('CAD', '2024-10-26', 0.7228),
        ('GBP', '2024-11-09', 1.2932), ('GBP', '2025-03-29', 1.2868), ('USD', '2024-01-01', 1)
)

select
    w.currency,
    w.wanted_on,
    r.valid_from,
    r.usd_rate,
    n.valid_from as next_from
from wanted w
    asof join rates r
    match_condition (w.wanted_on >= r.valid_from)
    on w.currency = r.currency
    asof join rates n
    match_condition (w.wanted_on < n.valid_from)
    on w.currency = n.currency
