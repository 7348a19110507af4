select currency, valid_from, valid_from::timestamp_ntz as valid_from_at, usd_rate
from {{ ref('raw_exchange_rates') }}
union all
select 'USD', to_date('2024-01-01'), to_timestamp_ntz('2024-01-01 00:00:00'), 1::number(12, 6)
