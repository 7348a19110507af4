-- One row per tx_id. The winner among rows with the same tx_id:
--   1. a batch row before a streaming row: the monthly file is the settled record, the stream its first notice
--      ('batch' sorts before 'streaming');
--   2. then the latest occurred_at;
--   3. then the last one written: greatest file name or partition, then greatest line or offset.
-- The order is total and uses nothing that depends on when rows were loaded, so a rebuild, a late file and
-- another order of loading all pick the same row.
select
    tx_id,
    user_id,
    amount,
    currency,
    merchant,
    category,
    occurred_at,
    source_system,
    origin_system,
    transaction_type,
    processing_time_ms,
    record_source,
    record_position
from {{ ref('stg_transactions_unified') }}
qualify row_number() over (
    partition by tx_id
    order by source_system, occurred_at desc, record_source desc, record_position desc
) = 1
