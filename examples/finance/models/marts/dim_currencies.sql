-- Every currency of the seed, and every other code that a transaction names, without a rate.
with used as (

    select distinct currency from {{ ref('int_transactions_seen') }}

)

select
    {{ dbt_utils.generate_surrogate_key(['currency_code']) }} as currency_key,
    currency_code,
    currency_name,
    minor_units,
    usd_rate,
    true as is_known
from {{ ref('currencies') }}

union all

select
    {{ dbt_utils.generate_surrogate_key(['used.currency']) }} as currency_key,
    used.currency as currency_code,
    'Unknown currency' as currency_name,
    cast(2 as integer) as minor_units,
    cast(null as decimal(12,6)) as usd_rate,
    false as is_known
from used
left join {{ ref('currencies') }} as known on used.currency = known.currency_code
where known.currency_code is null
