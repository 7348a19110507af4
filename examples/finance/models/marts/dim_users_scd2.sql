-- Every version of every user. Users who have transactions but no profile get one inferred version; it is
-- gone as soon as the profile is there.
-- `applies_from`/`applies_to` (half open) cover the whole of time without gap or overlap, so that each
-- transaction finds exactly one version: a transaction before the first version takes the first.
{% set attributes = profile_columns() -%}
with inferred as (

    select users.user_id
    from {{ ref('int_transaction_users') }} as users
    left join {{ ref('int_user_versions') }} as known on users.user_id = known.user_id
    where known.user_id is null

),

versions as (

    select
        user_key,
        user_version_key,
        user_id,
        version_number,
        {{ attributes | join(",\n        ") }},
        age_group,
        region,
        valid_from,
        valid_to,
        case when version_number = 1 then cast('1900-01-01 00:00:00' as timestamp) else valid_from end as applies_from,
        coalesce(valid_to, cast('2200-01-01 00:00:00' as timestamp)) as applies_to,
        is_current,
        false as is_inferred
    from {{ ref('int_user_versions') }}

    union all

    select
        {{ dbt_utils.generate_surrogate_key(['user_id']) }} as user_key,
        {{ dbt_utils.generate_surrogate_key(['user_id', "'inferred'"]) }} as user_version_key,
        user_id,
        cast(1 as integer) as version_number,
        'unknown' as first_name,
        'unknown' as last_name,
        cast(null as {{ dbt.type_string() }}) as email,
        cast(null as integer) as age,
        'unknown' as income_bracket,
        'unknown' as customer_tier,
        'unknown' as risk_profile,
        'unknown' as city,
        'unknown' as state,
        'unknown' as country,
        cast(null as timestamp) as registration_date,
        '' as preferred_categories,
        cast(null as boolean) as is_active,
        'inferred' as source_system,
        'unknown' as age_group,
        'unknown' as region,
        cast('1900-01-01 00:00:00' as timestamp) as valid_from,
        cast(null as timestamp) as valid_to,
        cast('1900-01-01 00:00:00' as timestamp) as applies_from,
        cast('2200-01-01 00:00:00' as timestamp) as applies_to,
        true as is_current,
        true as is_inferred
    from inferred

)

select *
from versions
