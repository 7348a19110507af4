select
    "event_id" as event_id,
    "timestamp",
    try_parse_json("payload") as body,
    body:event.type::string as event_type,
    body:event.version::int as event_version,
    body:visitor::string as visitor_id,
    body:customer_id::int as customer_id,
    body:device.os::string as device_os,
    to_timestamp_ntz(body:epoch::number) as sent_at,
    body:url::string as url,
    regexp_substr(url, 'utm_source=([a-z]+)', 1, 1, 'e', 1) as utm_source,
    nvl(body:coupon::string, 'none') as coupon
from {{ ref('raw_web_events') }}
