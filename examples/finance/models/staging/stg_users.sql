-- One row per line of the monthly profile files: every version of a profile, conformed.
with profiles as (

    select
        lower(src.user_id) as user_id,
        trim(src.first_name) as first_name,
        trim(src.last_name) as last_name,
        lower(trim(src.email)) as email,
        src.age,
        src.income_bracket,
        src.customer_tier,
        src.risk_profile,
        trim(src.city) as city,
        src.state,
        upper(trim(src.country)) as country,
        cast(src.registration_date as timestamp) as registration_date,
        coalesce(src.preferred_categories, '') as preferred_categories,
        src.is_active,
        src.source_system,
        src.source_file,
        src.source_line,
        -- user_registrations_YYYY_MM.csv, also .csv.gz; null for a file that is named otherwise
        cast(
            try_cast(
                split_part(src.source_file, '_', -2) || '-' || substring(split_part(src.source_file, '_', -1), 1, 2) || '-01'
                as date
            ) as timestamp
        ) as file_month
    from {{ source('raw', 'users') }} as src

)

select
    profiles.user_id,
    profiles.first_name,
    profiles.last_name,
    profiles.email,
    profiles.age,
    case
        when profiles.age < 18 then 'under 18'
        when profiles.age < 25 then '18-24'
        when profiles.age < 35 then '25-34'
        when profiles.age < 45 then '35-44'
        when profiles.age < 55 then '45-54'
        when profiles.age < 65 then '55-64'
        else '65+'
    end as age_group,
    profiles.income_bracket,
    profiles.customer_tier,
    profiles.risk_profile,
    profiles.city,
    profiles.state,
    coalesce(regions.region, 'Other') as region,
    profiles.country,
    profiles.registration_date,
    profiles.preferred_categories,
    profiles.is_active,
    profiles.source_system,
    -- A version holds from the month of its file on, and never before the user registered.
    greatest(profiles.registration_date, coalesce(profiles.file_month, profiles.registration_date)) as effective_at,
    {{ dbt_utils.generate_surrogate_key(['user_id']) }} as user_key,
    profiles.source_file,
    profiles.source_line
from profiles
left join {{ ref('state_regions') }} as regions on profiles.state = regions.state
