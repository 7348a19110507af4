-- The history of each profile, from all versions ever delivered, in time order: a version starts when an
-- attribute changes and ends when the next one starts. Derived whole each time, so a month that is loaded late
-- slots into its place, and the order of loading does not matter.
{% set attributes = profile_columns() -%}
with one_per_instant as (

    -- Two lines that say something about the same user from the same instant on: the later file and line holds.
    select
        *,
        -- one value to compare instead of one per attribute
        {{ dbt_utils.generate_surrogate_key(attributes) }} as profile_hash
    from {{ ref('stg_users') }}
    qualify row_number() over (
        partition by user_id, effective_at
        order by source_file desc, source_line desc
    ) = 1

),

compared as (

    select
        *,
        lag(profile_hash) over (partition by user_id order by effective_at) as previous_hash
    from one_per_instant

),

changes as (

    select *
    from compared
    where previous_hash is null or previous_hash <> profile_hash

),

bounded as (

    select
        *,
        row_number() over (partition by user_id order by effective_at) as version_number,
        lead(effective_at) over (partition by user_id order by effective_at) as valid_to
    from changes

)

select
    user_key,
    {{ dbt_utils.generate_surrogate_key(['user_id', instant_text('effective_at'), 'source_file', 'source_line']) }} as user_version_key,
    user_id,
    cast(version_number as integer) as version_number,
    {{ attributes | join(',\n    ') }},
    age_group,
    region,
    effective_at as valid_from,
    valid_to,
    valid_to is null as is_current
from bounded
