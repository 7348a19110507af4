select
    t.ticket_id,
    f.value::string as tag,
    f.index as tag_index
from {{ ref('stg_support_tickets') }} t,
    lateral flatten(input => split(t.tags, ';')) f
