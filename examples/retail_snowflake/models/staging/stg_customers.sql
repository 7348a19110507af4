-- Lateral aliases: email_address and details are used by the columns after them.
select
    customer_id,
    initcap(first_name) as given_name,
    last_name as family_name,
    given_name || ' ' || family_name as full_name,
    nullif(lower(trim(email)), '') as email_address,
    nullif(split_part(email_address, '@', 2), '') as email_domain,
    regexp_replace(phone, '[^0-9]', '') as phone_digits,
    right(phone_digits, 7) as phone_local,
    iff(country_code = 'XX', null, country_code) as country,
    signed_up_on,
    try_to_date(birth_date, 'YYYY-MM-DD') as born_on,
    parse_json(attributes) as details,
    details:loyalty.tier::string as loyalty_tier,
    zeroifnull(details:loyalty.points::number) as loyalty_points,
    details:Referrer.customer_id::number as referred_by,
    details['Referrer']['campaign']::varchar as referral_campaign,
    array_size(details:channels) as channel_count,
    nvl2(details, 'known', 'unknown') as profile_state
from {{ ref('raw_customers') }}
