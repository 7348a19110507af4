select
    t.ticket_id,
    w.index as word_index,
    w.value as word
from {{ ref('stg_support_tickets') }} t,
    lateral split_to_table(t.tags, ';') w
where t.tags is not null
