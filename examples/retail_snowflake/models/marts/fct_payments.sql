-- Only the columns that a payment may still change are written by the merge.
{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['payment_id'],
    merge_exclude_columns=['paid_at'],
) }}

select payment_id, order_id, method, amount, paid_at, response_code, risk_score, payment_state
from {{ ref('stg_payments') }}
{% if is_incremental() %}
where paid_at > (select dateadd(day, -1, max(paid_at)) from {{ this }})
{% endif %}
