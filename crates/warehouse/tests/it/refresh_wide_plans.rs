//! Random queries of a wider kind than [`crate::refresh_plans`], over columns of more types: subqueries of each sort, sets,
//! joins by expressions and ranges, keys behind casts, frames, ordered aggregates, values and views.

use crate::refresh_plans::Random;

/// Tables with the columns `k`, `g`, `v` (whole numbers), `s`, `t` (text; `t` is a number but for `abc`), `f` (a float,
/// among them NaN and both zeros), `d` (a decimal), `at` (an instant) and `b` (a condition).
pub const TABLES: [&str; 3] = ["m.p", "m.q", "m.r"];

/// Views over them with columns of their own.
pub const VIEWS: [(&str, &str); 2] = [
    ("m.some_p", "select k, g, v, s, t, f, d, at, b from m.p where v > 0"),
    (
        "m.named_q",
        "select q.k, q.g, q.v, n.name as s, q.t, q.f, q.d, q.at, q.b from m.q left join (values (0, 'none'), (1, 'one'), \
         (2, 'two'), (3, 'three'), (4, 'four'), (5, 'five'), (6, 'six')) n(number, name) on q.k = n.number",
    ),
];

/// A query with the columns `k`, `g`, `v` (bigint) and `s` (text). `also`: a table with these columns that it may read.
pub fn query(random: &mut Random, depth: u32, also: Option<&str>) -> String {
    if depth == 0 {
        return leaf(random, also);
    }
    let x = query(random, depth - 1, also);
    let y = query(random, depth - 1, also);
    let number = random.below(6);
    match random.below(40) {
        0 => joined(random, &x, &y, &["x.k = y.k and x.k = y.g", "x.k = y.k and x.k = y.g and x.g = y.v"]),
        1 => joined(random, &x, &y, &["x.k = y.k and x.k = y.g and x.g = y.v and x.v = y.v"]),
        2 => joined(random, &x, &y, &["x.k + 1 = y.g", "x.k % 2 = y.g % 2 and x.v = y.v", "upper(x.s) = y.s"]),
        3 => joined(random, &x, &y, &["x.k is not distinct from y.k", "x.k is not distinct from y.k and x.s = y.s"]),
        4 => joined(random, &x, &y, &["x.k = y.k and y.v between x.v and x.v + 1", "x.v between y.v and y.g"]),
        5 => format!(
            "select cast(x.k as bigint) as k, y.g, x.n as v, y.s from (select k, count(*) as n from ({x}) x group by k) x \
             left join ({y}) y on y.k = x.k"
        ),
        6 => format!(
            "select cast(x.k as bigint) as k, y.g, y.v, y.s from (select distinct k from ({x}) x) x \
             left join ({y}) y on y.k = x.k"
        ),
        7 => format!(
            "select x.k, x.g, max(y.v) as v, min(y.s) as s from ({x}) x join ({y}) y on x.k = y.k and x.k = y.g and x.g = y.v \
             group by x.k, x.g"
        ),
        8 => format!("select x.k, x.g, n.n as v, x.s from ({x}) x cross join (select count(*) as n from ({y}) y) n"),
        9 => format!("select * from ({x}) x where x.k not in (select y.g from ({y}) y where y.g is not null)"),
        10 => format!("select * from ({x}) x where x.k not in (select y.g from ({y}) y)"),
        11 => format!("select * from ({x}) x where x.k in (select y.g from ({y}) y) or x.v > {number}"),
        12 => format!("select * from ({x}) x where exists (select 1 from ({y}) y where y.k = {number})"),
        13 => format!("select x.k, x.g, (select max(y.v) from ({y}) y where y.k = x.k) as v, x.s from ({x}) x"),
        14 => format!("select * from ({x}) x where x.v > (select min(y.v) from ({y}) y)"),
        15 => format!("select k, g, v, s from ({x}) x union select g, k, v, s from ({y}) y"),
        16 => format!("select k, g, v, s from ({x}) x intersect select k, g, v, s from ({y}) y"),
        17 => format!("select k, g, v, s from ({x}) x except select k, g, v, s from ({y}) y"),
        18 => format!(
            "select k, count(*) filter (where v > 2) as g, sum(v) filter (where g = 1) as v, \
             cast(bool_or(v > 3) as varchar) as s from ({x}) x group by k"
        ),
        19 => format!(
            "select k, cast(avg(v) * 10 as bigint) as g, count(distinct g) as v, cast(count(distinct s) as varchar) as s \
             from ({x}) x group by k"
        ),
        20 => format!(
            "select v / 2 as k, cast(sum(cast(v as decimal(10, 2))) as bigint) as g, count(*) as v, left(s, 1) as s \
             from ({x}) x group by v / 2, left(s, 1)"
        ),
        21 => format!("select k, g, count(*) as v, max(s) as s from ({x}) x group by rollup (k, g)"),
        22 => {
            format!("select k, min(g) as g, count(*) as v, string_agg(s, ',' order by s) as s from ({x}) x group by k")
        }
        23 => format!("select k, g, coalesce(lag(v) over (partition by k order by v, g, s), -1) as v, s from ({x}) x"),
        24 => format!(
            "select k, g, cast(sum(v) over (partition by k order by v, g, s rows between 1 preceding and current row) as \
             bigint) as v, first_value(s) over (partition by g order by s, v, k) as s from ({x}) x"
        ),
        25 => format!(
            "select k, g, cast(sum(n) over (partition by g) as bigint) as v, s from \
             (select k, g, s, count(*) as n from ({x}) x group by k, g, s) x"
        ),
        26 => format!(
            "select k, g, v, s from (select *, row_number() over (partition by k order by v, g, s) as r, \
             count(*) over (partition by g) as c from ({x}) x) x where r = 1 and c > 1"
        ),
        27 => format!("select distinct on (k) k, g, v, s from ({x}) x order by k, v, g, s"),
        28 => format!("select unnest(make_array(k, g)) as k, g, v, s from ({x}) x"),
        29 => format!(
            "select x.k, x.g, w.n as v, w.l as s from ({x}) x join (values (0, 'p'), (1, 'q'), (2, 'r'), (3, 's'), \
             (4, 't'), (5, 'u'), ({number}, 'w')) w(n, l) on x.k = w.n"
        ),
        30 => format!(
            "with both as ({x}) select a.k, b.g, a.v, b.s from both a join both b on a.k = b.g \
             union all select k, g, v, s from both where v > {number}"
        ),
        31 => format!("select k, g, v, s from ({x}) x where s is not null group by k, g, v, s having count(*) < 3"),
        32 => format!(
            "select cast(cast(k as varchar) as bigint) as k, g, sum(v) as v, max(s) as s from ({x}) x \
             group by cast(cast(k as varchar) as bigint), g"
        ),
        33 => format!(
            "select x.k, y.g, y.n as v, x.s from ({x}) x left join lateral (select y.g, y.v as n from ({y}) y where y.k = x.k) y on true"
        ),
        34 => format!(
            "select cast(many as bigint) as k, g, v, s from \
             (select case when k > 2 then 'many' else 'few' end = 'many' as many, g, v, s from ({x}) x) x"
        ),
        35 => format!("select x.k, x.g, x.v, y.s from ({x}) x right join ({y}) y on x.k = y.k and x.v > 1 and y.v > 1"),
        36 => format!(
            "select coalesce(x.k, y.k) as k, x.g, y.v, coalesce(x.s, y.s) as s from ({x}) x full join ({y}) y \
             on x.k = y.k and x.g = y.g"
        ),
        37 => format!(
            "select k, g, max(v) as v, max(s) as s from (select * from ({x}) x union all select * from ({y}) y) z group by k, g"
        ),
        38 => format!("select * from ({x}) x where exists (select 1 from ({y}) y where y.k = x.k and y.v < x.v)"),
        _ => format!("select * from ({x}) x where x.g is null or not exists (select 1 from ({y}) y where y.g = x.g)"),
    }
}

fn joined(random: &mut Random, x: &str, y: &str, on: &[&str]) -> String {
    let kind = random.one(&["join", "join", "left join", "right join", "full join"]);
    let columns = random.one(&["x.k, x.g, x.v, y.s", "x.k, y.g, x.v, x.s", "y.k, x.g, y.v, x.s"]);
    let on = random.one(on);
    // A full join asks for an equality.
    let kind = if kind == "full join" && !on.contains(" = ") { "left join" } else { kind };
    format!("select {columns} from ({x}) x {kind} ({y}) y on {on}")
}

fn leaf(random: &mut Random, also: Option<&str>) -> String {
    let table = random.one(&["m.p", "m.q", "m.r", "m.p", "m.q", "m.r", "m.some_p", "m.named_q"]);
    match random.below(14) {
        0 => format!("select k, g, count(*) as v, cast(f as varchar) as s from {table} group by k, g, f"),
        1 => format!("select k, count(*) as g, max(v) as v, cast(max(d) as varchar) as s from {table} group by k"),
        2 => format!("select k, g, cast(d * 100 as bigint) as v, cast(d as varchar) as s from {table}"),
        3 => format!(
            "select k, g, cast(sum(d) * 100 as bigint) as v, cast(date_trunc('day', at) as varchar) as s from {table} \
             group by k, g, date_trunc('day', at)"
        ),
        4 => format!("select cast(b as bigint) as k, g, sum(v) as v, max(s) as s from {table} group by b, g"),
        5 => format!("select cast(t as bigint) as k, g, v, s from (select * from {table} where t <> 'abc') numbers"),
        6 => {
            format!("select k, g, v, s from {table} qualify row_number() over (partition by f order by v, k, g, s) = 1")
        }
        7 => format!(
            "select min(k) as k, g, count(*) as v, cast(cast(at as date) as varchar) as s from {table} group by g, cast(at as date)"
        ),
        8 | 9 if also.is_some() => format!("select k, g, v, s from {}", also.unwrap_or_default()),
        _ => format!("select k, g, v, s from {table}"),
    }
}

fn number(random: &mut Random) -> String {
    if random.below(8) == 0 { "null".into() } else { random.below(6).to_string() }
}

fn row(random: &mut Random) -> String {
    let long = format!("'{}'", "x".repeat(70));
    [
        number(random),
        number(random),
        number(random),
        random.one(&["'a'", "'b'", "'c'", "null", &long, "''"]).to_owned(),
        random.one(&["'1'", "'2'", "'3'", "'abc'", "null"]).to_owned(),
        random.one(&["'NaN'", "'-0.0'", "'0.0'", "'1.5'", "'-2.25'", "'Infinity'", "null"]).to_owned(),
        random.one(&["'0.01'", "'-1.50'", "'12345678.90'", "null"]).to_owned(),
        random
            .one(&["'2025-01-31 23:59:59.999999'", "'2025-02-01 00:00:00'", "'1969-12-31 12:00:00.5'", "null"])
            .to_owned(),
        random.one(&["'true'", "'false'", "null"]).to_owned(),
    ]
    .join(", ")
}

/// Rows as a query.
pub fn values(random: &mut Random, count: u64) -> String {
    let types = "cast(column1 as bigint) as k, cast(column2 as bigint) as g, cast(column3 as bigint) as v, \
                 cast(column4 as varchar) as s, cast(column5 as varchar) as t, cast(column6 as double) as f, \
                 cast(column7 as decimal(10, 2)) as d, cast(column8 as timestamp) as at, cast(column9 as boolean) as b";
    let rows = (0..count.max(1)).map(|_| format!("({})", row(random))).collect::<Vec<_>>().join(", ");
    let none = if count == 0 { " where false" } else { "" };
    format!("select {types} from (values {rows}){none}")
}

/// A statement that changes a table.
pub fn statement(random: &mut Random) -> String {
    let table = random.one(&TABLES);
    let key = random.below(6);
    match random.below(10) {
        0 => format!("delete from {table} where k = {key}"),
        1 => format!("delete from {table} where f = 'NaN' and v > {key}"),
        2 => format!("update {table} set v = v + 1 where g = {key}"),
        3 => format!("update {table} set k = {key} where s = 'b'"),
        4 => format!("update {table} set f = 'NaN', t = '7' where k = {key}"),
        5 => format!("update {table} set at = null, d = d + 1 where v = {key}"),
        6 => format!("delete from {table}"),
        _ => {
            let count = random.below(4);
            format!("insert into {table} {}", values(random, count))
        }
    }
}

/// Tests of the common forms: unique, relationships, equal totals, and one with a part of the rows.
pub fn tests(random: &mut Random) -> [String; 4] {
    let (one, other) = (random.one(&TABLES), random.one(&TABLES));
    let column = random.one(&["k", "g", "s", "f"]);
    [
        format!(
            "select {column}, count(*) as n from {one} where {column} is not null group by {column} having count(*) > 1"
        ),
        format!(
            "with child as (select g as x from {one} where g is not null), parent as (select k as x from {other}) \
             select child.x from child left join parent on child.x = parent.x where parent.x is null"
        ),
        format!(
            "select a.n, b.n from (select count(*) as n from {one}) a cross join (select count(*) as n from {other}) b \
             where a.n <> b.n"
        ),
        format!("select k from (select * from {one} where v > 1) part where k is null"),
    ]
}
