-- The history of each profile, from all versions ever delivered, in time order: a version starts when an
-- attribute changes and ends when the next one starts. Derived whole each time, so a month that is loaded late
-- slots into its place, and the order of loading does not matter.
{% set attributes = profile_columns() -%}
with one_per_instant as (

    -- Two lines that say something about the same user from the same instant on: the later file and line holds.
    select *
    from {{ ref('stg_users') }}
    qualify row_number() over (
        partition by user_id, effective_at
        order by source_file desc, source_line desc
    ) = 1

),

compared as (

    select
        *
        {%- for attribute in attributes %},
        lag({{ attribute }}) over (partition by user_id order by effective_at) as previous_{{ attribute }}
        {%- endfor %},
        row_number() over (partition by user_id order by effective_at) as delivery
    from one_per_instant

),

changes as (

    select *
    from compared
    where
        delivery = 1
        {%- for attribute in attributes %}
        or ({{ attribute }} is distinct from previous_{{ attribute }})
        {%- endfor %}

)

select
    user_key,
    {{ dbt_utils.generate_surrogate_key(['user_id', instant_text('effective_at'), 'source_file', 'source_line']) }} as user_version_key,
    user_id,
    cast(row_number() over (partition by user_id order by effective_at) as integer) as version_number,
    {{ attributes | join(',\n    ') }},
    age_group,
    region,
    effective_at as valid_from,
    lead(effective_at) over (partition by user_id order by effective_at) as valid_to,
    lead(effective_at) over (partition by user_id order by effective_at) is null as is_current
from changes
