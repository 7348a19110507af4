-- The raw columns are quoted and in lower case, so all of them need quotes here.
with versions as (

    select * exclude ("loaded_at") rename ("timestamp" as ordered_at)
    from {{ ref('raw_orders') }}
    where {{ known_by('"loaded_at"') }}

)

select
    "order_id" as order_id,
    "customer_id" as customer_id,
    "store_id" as store_id,
    "channel" as channel,
    "currency" as currency,
    lower("status") as status,
    ordered_at,
    "updated_at" as updated_at
from versions
qualify row_number() over (partition by order_id order by updated_at desc) = 1
