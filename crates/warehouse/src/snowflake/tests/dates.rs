//! Functions of dates and times, by the values that their documentation gives.

use super::check;

#[test]
fn adding_and_counting() {
    check(&[
        (
            "dateadd('day', 1, to_date('2024-02-28')), dateadd('month', 1, to_date('2024-01-31'))",
            "2024-02-29|2024-02-29",
        ),
        ("dateadd('hour', 1, to_date('2024-02-28'))", "2024-02-28 01:00:00.000"),
        ("dateadd('quarter', -1, to_timestamp('2024-05-31 10:00:00'))", "2024-02-29 10:00:00.000"),
        ("dateadd('year', 1.5, to_date('2024-02-29'))", "2026-02-28"),
        ("dateadd('day', 1, '2024-02-28')", "2024-02-29 00:00:00.000"),
        ("dateadd('day', null, to_date('2024-02-28'))", "NULL"),
        (
            "datediff('year', '2023-12-31 23:59:59', '2024-01-01 00:00:00'), datediff('day', to_date('2024-01-31'), to_date('2024-03-01'))",
            "1|30",
        ),
        (
            "datediff('week', to_date('2024-01-07'), to_date('2024-01-08')), datediff('week', to_date('2024-01-08'), to_date('2024-01-14'))",
            "1|0",
        ),
        (
            "datediff('hour', '2024-01-01 10:59:59', '2024-01-01 11:00:00'), datediff('month', '2024-03-01', '2024-01-31')",
            "1|-2",
        ),
        (
            "add_months(to_date('2024-02-29'), 1), add_months(to_date('2024-01-31'), 1), add_months(to_date('2024-01-30'), -1)",
            "2024-03-31|2024-02-29|2023-12-30",
        ),
        (
            "months_between(to_date('2024-02-29'), to_date('2024-01-31')), months_between(to_date('2019-03-01'), to_date('2019-02-15'))",
            "1|0.548387",
        ),
        ("dateadd('fortnight', 1, to_date('2024-01-01'))", "error: 'fortnight' is no part"),
        ("dateadd('day', 1, 5)", "error: is no date or time"),
    ]);
}

#[test]
fn parts_and_beginnings() {
    check(&[
        (
            "date_trunc('month', to_date('2024-05-17')), date_trunc('week', to_date('2024-05-19')), date_trunc('quarter', to_date('2024-05-19'))",
            "2024-05-01|2024-05-13|2024-04-01",
        ),
        (
            "date_trunc('hour', to_timestamp('2024-05-17 13:45:59.5')), trunc(to_date('2024-05-17'), 'year')",
            "2024-05-17 13:00:00.000|2024-01-01",
        ),
        (
            "year(to_date('2024-05-17')), quarter('2024-05-17'), month('2024-05-17'), dayofyear('2024-12-31'), hour('2024-05-17 13:45:59')",
            "2024|2|5|366|13",
        ),
        (
            "dayofweek(to_date('2024-05-19')), dayofweekiso(to_date('2024-05-19')), week('2024-12-30'), yearofweek('2024-12-30'), weekiso('2021-01-03')",
            "0|7|1|2025|53",
        ),
        (
            "date_part('epoch_second', to_timestamp('1970-01-02 00:00:01')), date_part('dow', '2024-05-20'), date_part('nanosecond', '2024-05-20 00:00:00.5')",
            "86401|1|500000000",
        ),
        ("dayname(to_date('2024-05-17')), monthname(to_date('2024-05-17'))", "Fri|May"),
        (
            "last_day(to_date('2024-02-10')), last_day(to_date('2024-02-10'), 'year'), last_day('2024-02-10', 'week'), last_day('2024-05-10', 'quarter')",
            "2024-02-29|2024-12-31|2024-02-11|2024-06-30",
        ),
        (
            "next_day(to_date('2024-05-17'), 'Friday'), next_day('2024-05-17', 'sa'), previous_day('2024-05-17', 'fr'), previous_day('2024-05-17', 'thu')",
            "2024-05-24|2024-05-18|2024-05-10|2024-05-16",
        ),
        (
            "time_slice(to_date('2024-05-17'), 1, 'week'), time_slice(to_timestamp('2024-05-17 13:45:00'), 15, 'minute', 'END'), time_slice(to_date('2024-05-17'), 3, 'month')",
            "2024-05-13|2024-05-17 14:00:00.000|2024-04-01",
        ),
        ("date_part('hour', to_date('2024-05-17')), hour(to_time('10:11:12'))", "0|10"),
        ("date_part('day', to_time('10:11:12'))", "error: does not suit a time"),
    ]);
}

#[test]
fn making_and_moving() {
    check(&[
        (
            "date_from_parts(2024, 2, 30), date_from_parts(2024, 14, 0), timestamp_from_parts(2024, 5, 17, 13, 45, 59, 500000000)",
            "2024-03-01|2025-01-31|2024-05-17 13:45:59.500",
        ),
        (
            "time_from_parts(12, 34, 56), timestamp_from_parts(to_date('2024-05-17'), to_time('01:02:03'))",
            "12:34:56|2024-05-17 01:02:03.000",
        ),
        ("convert_timezone('UTC', 'America/New_York', to_timestamp('2024-07-01 12:00:00'))", "2024-07-01 08:00:00.000"),
        ("convert_timezone('Europe/Berlin', 'UTC', '2024-01-01 12:00:00')", "2024-01-01 11:00:00.000"),
        ("convert_timezone('UTC', '2024-01-01 12:00:00')", "2024-01-01 12:00:00.000 +0000"),
        ("convert_timezone('Asia/Tokyo', '2024-01-01 12:00:00')", "error: is not supported"),
        ("convert_timezone('UTC', 'Mars/Base', '2024-01-01 12:00:00')", "error: there is no time zone"),
    ]);
}

#[test]
fn from_and_to_text() {
    check(&[
        (
            "to_date('05/17/2024'), to_date('17.05.2024', 'DD.MM.YYYY'), to_date('31536000'), try_to_date('nope'), try_to_date('2024-02-30')",
            "2024-05-17|2024-05-17|1971-01-01|NULL|NULL",
        ),
        ("to_date('nope')", "error: 'nope' is not a date"),
        (
            "to_timestamp('2024-05-17T13:45:59.123456Z'), to_timestamp_tz('2024-05-17 13:45:59 +0200'), to_timestamp(1700000000), to_timestamp(1700000000123, 3)",
            "2024-05-17 13:45:59.123|2024-05-17 11:45:59.000 +0000|2023-11-14 22:13:20.000|2023-11-14 22:13:20.123",
        ),
        (
            "to_timestamp('1700000000123'), try_to_timestamp('x'), to_timestamp_ntz('20240517 1345', 'YYYYMMDD HH24MI')",
            "2023-11-14 22:13:20.123|NULL|2024-05-17 13:45:00.000",
        ),
        (
            "to_char(to_timestamp('2024-05-17 13:45:59.5'), 'YYYY/MM/DD HH12:MI AM'), to_varchar(to_date('2024-05-17'), 'MON DD, YYYY'), to_char(to_date('2024-05-17'), 'DY')",
            "2024/05/17 01:45 PM|May 17, 2024|Fri",
        ),
        (
            "to_varchar(to_date('2024-05-17')), to_varchar(to_timestamp('2024-05-17 13:45:59')), to_time('13:45:59')",
            "2024-05-17|2024-05-17 13:45:59.000|13:45:59",
        ),
        (
            "sf_cast('2024-05-17 10:00:00', 'date'), sf_try_cast('x', 'timestamp_ntz'), sf_cast(to_timestamp('2024-05-17 13:45:59'), 'time')",
            "2024-05-17|NULL|13:45:59",
        ),
        ("to_date(5)", "error: cannot be converted to DATE"),
    ]);
}
