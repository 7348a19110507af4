-- Rows to columns again: what was unpivoted in staging.
select *
from (select product_id, to_char(counted_month, 'YYYYMM') as yyyymm, units from {{ ref('fct_inventory_monthly') }})
    pivot (max(units) for yyyymm in ('202410', '202411', '202412', '202501'))
        as p (product_id, m202410, m202411, m202412, m202501)
