-- The conformed user: one row for each user with a profile or with a transaction, as of now.
select
    user_key,
    user_id,
    first_name,
    last_name,
    first_name || ' ' || last_name as full_name,
    email,
    age,
    age_group,
    income_bracket,
    customer_tier,
    risk_profile,
    city,
    state,
    region,
    country,
    registration_date,
    preferred_categories,
    is_active,
    source_system,
    version_number as version_count,
    user_version_key as current_version_key,
    valid_from as current_since,
    is_inferred
from {{ ref('dim_users_scd2') }}
where is_current
