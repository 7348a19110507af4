-- One row per message of the topic: names and text conformed, nothing filtered.
select
    lower(src.tx_id) as tx_id,
    lower(src.user_id) as user_id,
    src.amount,
    src.currency,
    trim(src.merchant) as merchant,
    lower(trim(src.category)) as category,
    cast(src.timestamp as timestamp) as occurred_at,
    'streaming' as source_system,
    src.source_system as origin_system,
    lower(trim(src.transaction_type)) as transaction_type,
    src.processing_time_ms,
    'kafka:' || cast(src.kafka_partition as {{ dbt.type_string() }}) as record_source,
    src.kafka_offset as record_position
from {{ source('raw', 'transactions_streaming') }} as src
