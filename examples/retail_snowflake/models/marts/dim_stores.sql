select
    s.* exclude (hours),
    h.weekly_hours,
    datediff(month, s.opened_on, '2025-03-31'::date) as months_open,
    dense_rank() over (order by s.floor_area desc nulls last) as size_rank
from {{ ref('stg_stores') }} as s
left join (
    select store_id, sum(open_hours) as weekly_hours from {{ ref('int_store_hours') }} group by 1
) as h on h.store_id = s.store_id
