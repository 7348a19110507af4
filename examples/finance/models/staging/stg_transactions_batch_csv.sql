-- One row per line of the monthly files: names and text conformed, nothing filtered.
select
    lower(src.tx_id) as tx_id,
    lower(src.user_id) as user_id,
    src.amount,
    src.currency,
    trim(src.merchant) as merchant,
    lower(trim(src.category)) as category,
    cast(src.timestamp as timestamp) as occurred_at,
    'batch' as source_system,
    'batch_export' as origin_system,
    -- The files say nothing about the type.
    'batch' as transaction_type,
    cast(null as integer) as processing_time_ms,
    src.source_file as record_source,
    src.source_line as record_position
from {{ source('raw', 'transactions_batch') }} as src
