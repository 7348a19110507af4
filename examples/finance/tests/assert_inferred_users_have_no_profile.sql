-- An inferred member is replaced when the profile arrives.
select inferred.user_id
from {{ ref('dim_users') }} as inferred
join {{ ref('stg_users') }} as profiles on inferred.user_id = profiles.user_id
where inferred.is_inferred
