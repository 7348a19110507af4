{% snapshot snap_users %}
{{
    config(
        strategy='check',
        unique_key='user_id',
        check_cols=[
            'first_name', 'last_name', 'email', 'age', 'income_bracket', 'customer_tier', 'risk_profile',
            'city', 'state', 'country', 'registration_date', 'preferred_categories', 'is_active', 'source_system',
        ],
        updated_at='effective_at',
    )
}}
-- What was known about each user at each run: the newest version of the profile, kept as it changes.
-- For the history by time of the profile itself, whatever the order of loading, see dim_users_scd2.
select
    user_id,
    first_name,
    last_name,
    email,
    age,
    income_bracket,
    customer_tier,
    risk_profile,
    city,
    state,
    country,
    registration_date,
    preferred_categories,
    is_active,
    source_system,
    valid_from as effective_at
from {{ ref('int_user_versions') }}
where is_current
{% endsnapshot %}
