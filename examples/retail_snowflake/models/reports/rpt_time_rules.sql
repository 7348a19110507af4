-- Differences count boundaries that are crossed, not elapsed units.
with spans as (
    select column1 as id, column2::timestamp_ntz as starts_at, column3::timestamp_ntz as ends_at
    from values
        (1, '2025-01-01 00:59:59', '2025-01-01 01:00:00'),
        (2, '2024-12-31 23:59:00', '2025-01-01 00:00:00'),
        (3, '2025-03-31 10:15:30', '2025-02-28 10:15:29')
)

select
    id,
    datediff(second, starts_at, ends_at) as seconds,
    datediff(minute, starts_at, ends_at) as minutes,
    datediff(hour, starts_at, ends_at) as hours,
    datediff(day, starts_at, ends_at) as days,
    datediff(month, starts_at, ends_at) as months,
    datediff(quarter, starts_at, ends_at) as quarters,
    datediff(year, starts_at, ends_at) as years,
    dateadd(minute, -90, starts_at) as earlier,
    date_trunc('hour', starts_at) as hour_start,
    date_trunc('quarter', starts_at)::date as quarter_start,
    hour(starts_at) as hour_number,
    date_part('minute', starts_at) as minute_number,
    extract(second from ends_at) as second_number,
    to_char(starts_at, 'YYYY-MM-DD HH24:MI:SS') as starts_text,
    to_date(ends_at) as ends_on,
    starts_at::time::varchar as starts_time
from spans
