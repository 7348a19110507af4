select
    COUNTRY_CODE as country_code,
    Country_Name,
    currency,
    decode(region, 'Americas', 'AMER', 'Europe', 'EMEA', 'Asia', 'APAC', 'NONE') as sales_region
from {{ ref('countries') }}
