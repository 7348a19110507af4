-- One row a month from one column a month; a month without a count has no row.
select
    sku,
    lower(month_name) as month_column,
    to_date('01_' || month_name, 'DD_MON_YYYY') as counted_month,
    units
from {{ ref('raw_inventory_counts') }}
    unpivot (units for month_name in (oct_2024, nov_2024, dec_2024, jan_2025, feb_2025, mar_2025))
