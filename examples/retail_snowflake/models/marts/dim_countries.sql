select *, row_number() over (order by country_code) as country_key
from {{ ref('stg_countries') }}
