select
    supplier_id,
    supplier_name,
    country_code,
    zeroifnull(lead_days) as lead_days,
    regexp_substr(contact, '[a-z0-9]+@[a-z0-9.]+', 1, 1) as sales_email,
    regexp_substr(contact, 'Support: ([^;]+)', 1, 1, 'e', 1) as support_email,
    regexp_count(contact, '@') as address_count,
    supplier_name ilike any ('%&%', 'delta%') as has_odd_name,
    supplier_name like '%^%%' escape '^' as has_percent
from {{ ref('raw_suppliers') }}
