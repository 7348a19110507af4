//! Whatever has changed, a refreshed table equals its query: random queries over random changes.
//!
//! `MILLSTREAM_REFRESH_CASES` sets how many cases there are, `MILLSTREAM_REFRESH_SEED` the first one's seed (which
//! the message of a failure names).

use millstream_core::housekeeping::Upkeep;
use millstream_core::warehouse::{QueryOptions, RefreshMode, RefreshPath, Stage, Warehouse};

use crate::refresh_plans::{Change, Paths, Random, TABLES, cases, change, each, query, values};
use crate::support::{self, Fixture, fixture, name, open_with_memory};

/// Seeds that failed once.
const FOUND: [u64; 2] = [4584, 5912];

/// Cases of an ordinary run.
const CASES_DEFAULT: u64 = 60;

/// Changes and refreshes of one case.
const ROUNDS: u64 = 4;

/// Every so many cases have no memory at all: whatever asks for some is done a second time, in the way that needs less.
const SHORT_OF_MEMORY: u64 = 8;

async fn apply(f: &Fixture, change: Change) {
    match change {
        Change::Append(table, sql) => drop(f.build(table, Stage::Append { sql }).await),
        Change::Replace(table, sql) => drop(f.build(table, Stage::Replace { sql }).await),
        Change::Statement(sql) => drop(f.run(&sql).await),
    }
}

fn refresh(sql: &str, mode: RefreshMode) -> Stage {
    Stage::Refresh { sql: sql.into(), keys: vec![], mode }
}

async fn case(seed: u64, paths: &mut Paths) {
    let mut random = Random::new(seed);
    let mut f = fixture();
    // What is compared with is asked with enough.
    let plain = f.warehouse.clone();
    let rows_of = async |sql: &str| {
        let found = support::query(&plain, sql, &QueryOptions::default()).await;
        found.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{sql}"))
    };
    if seed.is_multiple_of(SHORT_OF_MEMORY) {
        f.warehouse = open_with_memory(f.folder.path(), 1);
    }
    for table in TABLES {
        let count = random.below(20);
        f.table(table, &values(&mut random, count)).await;
    }
    let depth = 1 + random.below(3) as u32;
    let sql = query(&mut random, depth);
    // A test, which finds something now and then.
    let inner = query(&mut random, depth);
    let test = match random.below(2) {
        0 => format!("select k, g from ({inner}) tested where k = 1 and g > 3"),
        _ => format!(
            "select * from (select g, count(*) as n, sum(v) as total, min(k) as least from ({inner}) tested group by g) \
             where total > 20 or n > 9 or least is null"
        ),
    };
    // And some that ask each row of a table for itself.
    let table = random.one(&TABLES);
    let rows = [
        format!("select k from {table} where v is null and k = {}", random.below(4)),
        format!(
            "with found as (select g as value, count(*) as n from {table} where k > 0 group by g) \
             select * from found where value not in (0, 1, {})",
            random.below(6)
        ),
        format!("select distinct s from (select s, v + 1 as w from {table}) t where not (w < {})", random.below(20)),
    ];
    for round in 0..=ROUNDS {
        let staged = f.stage_from_changes("m.t", &sql).await;
        let staged = staged.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}\n{sql}"));
        let report = staged.refreshed().unwrap().clone();
        assert!(!report.reason.contains("it failed"), "seed {seed}, round {round}: {report:?}\n{sql}");
        if round > 0 {
            *paths.entry(report.path.as_str()).or_default() += 1;
        }
        staged.publish(serde_json::Map::new()).await.unwrap();
        let mut found = rows_of("select k, g, v, s from m.t").await;
        let mut expected = rows_of(&format!("select k, g, v, s from ({sql}) whole")).await;
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "seed {seed}, round {round}: {report:?}\n{sql}");
        for test in rows.iter().chain([&test]) {
            let failing = f.warehouse.count_failing(test, &QueryOptions::default()).await;
            let failing = failing.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}\n{test}"));
            let found = rows_of(test).await.len() as u64;
            assert_eq!(failing.rows, found, "seed {seed}, round {round}: {test}");
        }
        for _ in 0..=random.below(2) {
            apply(&f, change(&mut random)).await;
        }
        if random.below(4) == 0 {
            for table in TABLES {
                f.warehouse.maintain(&name(table), &Upkeep::default()).await.unwrap();
            }
        }
    }
    let again = f.stage("m.t", refresh(&sql, RefreshMode::Auto)).await.unwrap();
    again.publish(serde_json::Map::new()).await.unwrap();
    let same = f.stage("m.t", refresh(&sql, RefreshMode::Auto)).await.unwrap();
    assert_eq!(same.refreshed().unwrap().path, RefreshPath::Unchanged, "seed {seed}: {sql}");
}

#[test]
fn a_refreshed_table_equals_its_query() {
    let cases = cases().unwrap_or(CASES_DEFAULT);
    let paths = each(&FOUND, cases, case);
    if cases >= CASES_DEFAULT {
        let all: u64 = paths.values().sum();
        let from_changes = all - paths.get("full").copied().unwrap_or_default();
        assert!(from_changes * 4 > all * 3, "most refreshes go by changes: {paths:?}");
        for path in ["append", "keys", "unchanged"] {
            assert!(paths.contains_key(path), "{path} is among {paths:?}");
        }
    }
}
