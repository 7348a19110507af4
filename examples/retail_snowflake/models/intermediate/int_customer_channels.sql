select
    c.customer_id,
    f.value::string as channel,
    f.index = 0 as is_preferred
from {{ ref('stg_customers') }} as c,
    lateral flatten(input => c.details:channels) as f
where f.value::string <> 'sms'
