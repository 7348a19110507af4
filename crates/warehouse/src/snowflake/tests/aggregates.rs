//! Aggregates and window functions, by the values that their documentation gives.

use super::{check, rows};

#[test]
fn gathering() {
    check(&[
        (
            "listagg(x, ',' order by x desc), listagg(distinct x, ',' order by x), listagg(x) from (values (9), (10), (9), (null)) as t(x)",
            "10,9,9|9,10|9109",
        ),
        ("listagg(x, ',') from (values ('a')) as t(x) where x = 'b'", ""),
        (
            "array_agg(x order by x), array_unique_agg(x), array_agg(distinct x order by x) from (values (2), (1), (2), (null)) as t(x)",
            "[1,2,2]|[2,1]|[1,2]",
        ),
        ("object_agg(k, v) from (values ('b', 1), ('a', 2), ('c', null)) as t(k, v)", r#"{"a":2,"b":1}"#),
        ("object_agg(k, v) from (values ('b', 1), ('b', 2)) as t(k, v)", "error: comes twice"),
        (
            "median(x), mode(x), min_by(y, x), max_by(y, x) from (values (1, 'a'), (2, 'b'), (2, 'c'), (4, 'd')) as t(x, y)",
            "2.000|2|a|d",
        ),
        ("median(x) from (values (1), (2)) as t(x)", "1.500"),
        (
            "percentile_cont(0.25) within group (order by x), percentile_disc(0.5) within group (order by x desc), approx_percentile(x, 0.5) from (values (10), (20), (30), (40)) as t(x)",
            "17.500|30|25",
        ),
        (
            "boolxor_agg(x), booland_agg(x), boolor_agg(x), count_if(x) from (values (true), (false), (null)) as t(x)",
            "true|false|true|1",
        ),
        ("bitand_agg(x), bitor_agg(x), bitxor_agg(x) from (values (6), (3)) as t(x)", "2|7|5"),
        (
            "round(skew(x), 6), round(kurtosis(x), 6), round(stddev(x), 6), var_pop(x) from (values (1), (2), (3), (10)) as t(x)",
            "1.763633|3.228|4.082483|12.5",
        ),
    ]);
}

#[test]
fn exact_sums() {
    check(&[
        ("sum(x), avg(x), count_if(x > 1) from (values (1), (2), (2), (null)) as t(x)", "5|1.666667|2"),
        (
            "sum(x), avg(x), sum(distinct x), avg(distinct x) from (values (1.10), (2.20), (2.20)) as t(x)",
            "5.50|1.83333333|3.30|1.65000000",
        ),
        ("sum(x) from (values (9223372036854775807), (1)) as t(x)", "error: does not fit an integer"),
        ("sum(x), avg(x) from (values (1)) as t(x) where x > 1", "NULL|NULL"),
        ("sum(x), avg(x) from (values ('1.5'), ('2')) as t(x)", "3.5|1.75"),
        ("sum(x) from (values (true)) as t(x)", "error: there is no sum of BOOLEAN"),
    ]);
    let grouped = "select g, sum(x), avg(x), listagg(x, '+' order by x) from (values ('a', 1), ('b', 5), ('a', 2)) as t(g, x) group by g order by g";
    assert_eq!(rows(grouped).unwrap(), ["a|3|1.500000|1+2", "b|5|5.000000|5"]);
    let sliding = "select sum(x) over (order by x rows between 1 preceding and current row), avg(x) over (order by x rows between 1 preceding and current row) from (values (1), (2), (4)) as t(x) order by 1";
    assert_eq!(rows(sliding).unwrap(), ["1|1.000000", "3|1.500000", "6|3.000000"]);
}

#[test]
fn many_groups_on_several_threads() {
    let sql = "select count(*), sum(s), sum(n), max(length(l)) from (select x % 1000 as g, sum(x) as s, count_if(x % 2 = 0) as n, listagg(x, ',' order by x) as l from generate_series(1, 20000) as t(x) group by x % 1000)";
    assert_eq!(rows(sql).unwrap(), ["1000|200010000|10000|110"]);
}

#[test]
fn events() {
    let sql = "select conditional_true_event(x > 1) over (order by o), conditional_change_event(x) over (order by o) from (values (1, 1), (2, 2), (3, 2), (4, null), (5, 1), (6, 3)) as t(o, x) order by o";
    assert_eq!(rows(sql).unwrap(), ["0|0", "1|1", "2|1", "2|1", "2|1", "3|2"]);
}
