-- Text that may or may not be a value: the try_ functions give null where the others stop the query.
with texts as (
    select column1 as id, column2 as t
    from values (1, '42'), (2, '2025-02-28'), (3, '2025-02-30'), (4, 'yes'), (5, ''), (6, '3.7'), (7, '2025-01-06 13:11:01'), (8, null)
)

select
    id,
    try_to_number(t) as as_number,
    try_to_number(t, 10, 1) as as_tenths,
    try_to_decimal(t, 10, 2) as as_decimal,
    try_to_double(t) as as_double,
    try_cast(t as int) as as_int,
    iff(id in (1, 6), null, try_to_date(t)) as as_date,
    iff(id in (1, 6), null, try_to_timestamp(t)) as as_timestamp,
    iff(id in (1, 6), null, try_to_timestamp_ntz(t)) as as_timestamp_ntz,
    try_to_boolean(t) as as_boolean,
    to_timestamp_ntz(1736169061) as from_seconds,
    to_timestamp_ntz(1736169061000, 3) as from_millis,
    to_timestamp_ntz('2025-01-06T13:11:01') as from_iso,
    to_timestamp('06/01/2025 13:11', 'DD/MM/YYYY HH24:MI') as from_format,
    convert_timezone('UTC', to_timestamp_tz('2025-01-06 13:11:01 +02:00'))::timestamp_ntz as in_utc,
    to_date('20250106', 'YYYYMMDD') as from_digits
from texts
