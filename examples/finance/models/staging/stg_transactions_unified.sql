-- Both ways in, in one shape. The same tx_id may be here several times; int_transactions picks one.
{% set columns = [
    'tx_id', 'user_id', 'amount', 'currency', 'merchant', 'category', 'occurred_at', 'source_system',
    'origin_system', 'transaction_type', 'processing_time_ms', 'record_source', 'record_position',
] -%}
select {{ columns | join(', ') }} from {{ ref('stg_transactions_batch_csv') }}
union all
select {{ columns | join(', ') }} from {{ ref('stg_transactions_streaming_kafka') }}
