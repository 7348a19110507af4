-- Every category of the seed, and every other one that a transaction names, as unmapped.
with used as (

    select distinct category from {{ ref('int_transactions_seen') }}

)

select
    {{ dbt_utils.generate_surrogate_key(['category']) }} as category_key,
    category,
    category_group,
    business_unit,
    is_essential,
    true as is_mapped
from {{ ref('category_groups') }}

union all

select
    {{ dbt_utils.generate_surrogate_key(['used.category']) }} as category_key,
    used.category,
    'Unmapped' as category_group,
    'Unassigned' as business_unit,
    false as is_essential,
    false as is_mapped
from used
left join {{ ref('category_groups') }} as mapped on used.category = mapped.category
where mapped.category is null
