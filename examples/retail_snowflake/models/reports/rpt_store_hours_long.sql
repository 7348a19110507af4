-- Unpivot of computed columns, with names as text.
with wide as (
    select store_id, count(*)::int as days, sum(open_hours)::int as hours, max(closes_at)::int as latest
    from {{ ref('int_store_hours') }}
    group by store_id
)

select store_id, lower(fact) as fact, amount
from wide
    unpivot (amount for fact in (days, hours, latest))
