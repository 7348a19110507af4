-- Versions of a user follow each other without gap and without overlap, and exactly one of them is current.
with versions as (

    select
        user_id,
        applies_from,
        applies_to,
        lead(applies_from) over (partition by user_id order by applies_from) as next_from
    from {{ ref('dim_users_scd2') }}

)

select user_id, 'gap or overlap' as problem
from versions
where next_from <> applies_to

union all

select user_id, 'not exactly one current version' as problem
from {{ ref('dim_users_scd2') }}
group by user_id
having sum(case when is_current then 1 else 0 end) <> 1

union all

select user_id, 'does not cover all of time' as problem
from {{ ref('dim_users_scd2') }}
group by user_id
having min(applies_from) <> cast('1900-01-01 00:00:00' as timestamp)
    or max(applies_to) <> cast('2200-01-01 00:00:00' as timestamp)
