select
    date_trunc('week', opened_at)::date as week_start,
    count(*) as tickets,
    count_if(punctuality = 'late') as late_tickets,
    {{ ratio('late_tickets', 'tickets', 3) }} as late_share,
    median(hours_open) as median_hours,
    listagg(ticket_id, ',') within group (order by ticket_id desc) as ticket_list
from {{ ref('fct_tickets') }}
group by 1
