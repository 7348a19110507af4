select
    s.visitor_id,
    s.session_number,
    split_part(split_part(e.url, '/p/', 2), '?', 1)::int as product_id,
    e.utm_source,
    regexp_replace(e.url, '[?].*$') as clean_url
from {{ ref('int_sessions_events') }} s
join {{ ref('stg_web_events') }} e on e.event_id = s.event_id
where e.url is not null
qualify row_number() over (partition by s.visitor_id, s.session_number, product_id order by e.event_id) = 1
