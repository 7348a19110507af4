//! Random queries of the shapes that are refreshed from changes, and random changes of the tables that they read.

use std::collections::BTreeMap;

/// How many refreshes took which way.
pub type Paths = BTreeMap<&'static str, u64>;

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|value| value.parse().ok())
}

/// How many cases are asked for, if that is said (`MILLSTREAM_REFRESH_CASES`).
pub fn cases() -> Option<u64> {
    number_of("MILLSTREAM_REFRESH_CASES")
}

/// Tries the seeds that failed once, then as many as there are cases, from `MILLSTREAM_REFRESH_SEED` on.
pub fn each(found: &[u64], cases: u64, case: impl AsyncFn(u64, &mut Paths)) -> Paths {
    let first = number_of("MILLSTREAM_REFRESH_SEED").unwrap_or(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut paths = Paths::new();
    for seed in found.iter().copied().chain(first..first + cases) {
        runtime.block_on(case(seed, &mut paths));
    }
    println!("{cases} cases: {paths:?}");
    paths
}

/// A small generator of numbers: the same seed gives the same case.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

/// Tables that queries read, all with the columns `k`, `g`, `v` (whole numbers) and `s` (text), all of which may be null.
pub const TABLES: [&str; 3] = ["m.a", "m.b", "m.c"];

/// A query with the columns `k`, `g`, `v`, `s`.
pub fn query(random: &mut Random, depth: u32) -> String {
    if depth == 0 {
        return format!("select k, g, v, s from {}", random.one(&TABLES));
    }
    let x = query(random, depth - 1);
    let condition = random.one(&["v > 2", "k is not null", "s <> 'b' or g = 1", "k + g < 6", "s is null"]);
    match random.below(17) {
        0 => format!("select * from ({x}) x where {condition}"),
        1 => format!("select k, g, v + 1 as v, upper(s) as s from ({x}) x"),
        2 => format!("select g as k, k as g, v * 2 as v, s from ({x}) x"),
        3 | 4 => {
            let y = query(random, depth - 1);
            format!("select k, g, v, s from ({x}) x union all select g, k, v, s from ({y}) y")
        }
        5..=7 => {
            let y = query(random, depth - 1);
            let kind = random.one(&["join", "left join", "left join", "right join", "full join"]);
            let on = random.one(&["x.k = y.k", "x.k = y.g", "x.k = y.k and x.g = y.g", "x.k = y.k and x.v <= y.v"]);
            let columns = random.one(&["x.k, x.g, x.v, y.s", "x.k, y.g, x.v, x.s", "y.k, x.g, y.v, x.s"]);
            format!("select {columns} from ({x}) x {kind} ({y}) y on {on}")
        }
        8 => {
            let y = query(random, depth - 1);
            format!("select * from ({x}) x where x.k in (select y.g from ({y}) y)")
        }
        9 => {
            let y = query(random, depth - 1);
            format!("select * from ({x}) x where not exists (select 1 from ({y}) y where y.k = x.k)")
        }
        10 => format!("select k, g, sum(v) as v, min(s) as s from ({x}) x group by k, g"),
        11 => format!("select g as k, count(distinct k) as g, count(*) as v, max(s) as s from ({x}) x group by 1"),
        12 => format!("select k % 3 as k, g, max(v) as v, 'x' as s from ({x}) x group by k % 3, g having count(*) > 1"),
        13 | 14 => {
            let by = random.one(&["k", "k, g", "s"]);
            format!(
                "select k, g, v, s from ({x}) x qualify row_number() over (partition by {by} order by v, k, g, s) = 1"
            )
        }
        15 => format!("select k, g, cast(sum(v) over (partition by k) as bigint) as v, s from ({x}) x"),
        _ => format!("select distinct k, g, v, s from ({x}) x"),
    }
}

fn number(random: &mut Random) -> String {
    if random.below(8) == 0 { "null".into() } else { random.below(6).to_string() }
}

fn rows(random: &mut Random, count: u64) -> String {
    let row = |random: &mut Random| {
        let text = random.one(&["'a'", "'b'", "'c'", "null"]).to_owned();
        format!("({}, {}, {}, {text})", number(random), number(random), number(random))
    };
    (0..count).map(|_| row(random)).collect::<Vec<_>>().join(", ")
}

/// Rows as a query.
pub fn values(random: &mut Random, count: u64) -> String {
    let types = "cast(column1 as bigint) as k, cast(column2 as bigint) as g, cast(column3 as bigint) as v, \
                 cast(column4 as varchar) as s";
    match count {
        0 => format!("select {types} from (values (1, 1, 1, 'a')) where false"),
        _ => format!("select {types} from (values {})", rows(random, count)),
    }
}

/// A change of a table: a statement, or rows to add.
pub enum Change {
    Append(&'static str, String),
    Replace(&'static str, String),
    Statement(String),
}

pub fn change(random: &mut Random) -> Change {
    let table = TABLES[random.below(3) as usize];
    let key = random.below(6);
    match random.below(9) {
        0..=3 => {
            let count = random.below(5);
            Change::Append(table, values(random, count))
        }
        4 => Change::Statement(format!("delete from {table} where k = {key}")),
        5 => Change::Statement(format!("update {table} set v = v + 1 where g = {key}")),
        6 => Change::Statement(format!("update {table} set k = {key} where s = 'b'")),
        // The same rows in other files.
        7 => Change::Replace(table, format!("select k, g, v, s from {table}")),
        _ => Change::Replace(table, format!("select k, g, v, s from {table} where g <> {key} or g is null")),
    }
}
