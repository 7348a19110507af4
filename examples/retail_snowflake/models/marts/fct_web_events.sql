-- Appended: an event never changes.
{{ config(materialized='incremental', incremental_strategy='append') }}

select event_id, "timestamp" as occurred_at, event_type, event_version, visitor_id, customer_id, device_os, utm_source, coupon
from {{ ref('stg_web_events') }}
where body is not null
{% if is_incremental() %}
    and event_id > (select max(event_id) from {{ this }})
{% endif %}
