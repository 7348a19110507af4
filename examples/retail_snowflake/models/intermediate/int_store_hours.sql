select
    s.store_id,
    f.key as day_short,
    f.value:open::int as opens_at,
    f.value:close::int as closes_at,
    closes_at - opens_at as open_hours
from {{ ref('stg_stores') }} s,
    lateral flatten(input => s.hours) f
