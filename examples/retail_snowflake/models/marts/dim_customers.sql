select
    c.* exclude (details, referral_campaign, phone_digits, given_name, family_name)
        rename (email_address as email, country as country_code),
    n.country_name,
    nvl(n.sales_region, 'UNKNOWN') as sales_region,
    r.full_name as referrer_name,
    datediff('year', c.born_on, '2025-03-31'::date) as age_by_year
from {{ ref('stg_customers') }} c
left join {{ ref('stg_countries') }} n on n.country_code = c.country
left join {{ ref('stg_customers') }} r on r.customer_id = c.referred_by
