select
    store_id,
    store_name,
    country_code,
    opened_on,
    nvl(square_meters, 0)::number(8, 1) as floor_area,
    parse_json(opening_hours) as hours,
    get_path(hours, 'mon.open')::int as monday_open,
    get_path(hours, 'sat')::string is not null as opens_saturday,
    last_day(opened_on) as first_month_end,
    regexp_substr(store_name, '[0-9]+$')::int as store_number
from {{ ref('raw_stores') }}
