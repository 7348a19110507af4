with wide as (
    select sum(zeroifnull(oct_2024) + zeroifnull(nov_2024) + zeroifnull(dec_2024)
        + zeroifnull(jan_2025) + zeroifnull(feb_2025) + zeroifnull(mar_2025)) as units
    from {{ ref('raw_inventory_counts') }}
)

select w.units, l.units as long_units
from wide w
cross join (select sum(units) as units from {{ ref('stg_inventory_counts') }}) l
where w.units <> l.units
