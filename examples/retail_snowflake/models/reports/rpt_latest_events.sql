{{ config(materialized='view') }}

select *
from {{ ref('fct_web_events') }}
qualify dense_rank() over (partition by visitor_id order by occurred_at desc, event_id desc) = 1
    and count(*) over (partition by visitor_id) > 1
