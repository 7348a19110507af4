//! The same as [`crate::refresh_random`] with wider queries and columns, and a second table that reads the first.
//!
//! `MILLSTREAM_REFRESH_CASES` and `MILLSTREAM_REFRESH_SEED` are as there, but that a third as many cases are tried: each
//! takes three times as long.

use millstream_core::housekeeping::Upkeep;
use millstream_core::warehouse::{QueryOptions, Warehouse};
use millstream_warehouse::EmbeddedWarehouse;

use crate::refresh_plans::{Paths, Random, cases, each};
use crate::refresh_wide_plans::{TABLES, VIEWS, query, statement, tests, values};
use crate::support::{self, Fixture, fixture, name, open_with_memory};

/// Seeds that failed once.
const FOUND: [u64; 12] = [24, 74, 107, 120, 238, 397, 440, 345, 1624, 1023, 2824, 6152];

/// Cases of an ordinary run.
const CASES_DEFAULT: u64 = 40;

/// Changes and refreshes of one case.
const ROUNDS: u64 = 4;

/// Every so many cases have no memory at all.
const SHORT_OF_MEMORY: u64 = 8;

struct Case {
    seed: u64,
    f: Fixture,
    /// What is compared with is asked with enough memory.
    plain: EmbeddedWarehouse,
}

impl Case {
    async fn rows_of(&self, sql: &str) -> Result<Vec<String>, String> {
        let found = support::query(&self.plain, sql, &QueryOptions::default()).await;
        let mut found = found.map_err(|error| error.to_string())?;
        found.sort();
        Ok(found)
    }

    /// Refreshes a table and compares it with its query; `None` where the query itself fails.
    async fn refreshed(&self, table: &str, sql: &str, round: u64, paths: &mut Paths) -> Option<()> {
        let seed = self.seed;
        let expected = self.rows_of(&format!("select k, g, v, s from ({sql}) whole")).await;
        let staged = self.f.stage_from_changes(table, sql).await;
        let (expected, staged) = match (expected, staged) {
            (Err(_), Err(_)) => return None,
            (Ok(expected), Ok(staged)) => (expected, staged),
            (expected, staged) => {
                panic!(
                    "seed {seed}, round {round}: {:?}, {:?}\n{sql}",
                    expected.err(),
                    staged.err().map(|e| e.to_string())
                )
            }
        };
        let report = staged.refreshed().unwrap().clone();
        if round > 0 {
            *paths.entry(report.path.as_str()).or_default() += 1;
            if report.reason.contains("it failed") {
                // Text that is no number fails where it stands; nothing else may.
                assert!(
                    report.reason.contains("Cannot cast string 'abc'"),
                    "seed {seed}, round {round}: {report:?}\n{sql}"
                );
                *paths.entry("failed").or_default() += 1;
            }
        }
        staged.publish(serde_json::Map::new()).await.unwrap();
        let found = self.rows_of(&format!("select k, g, v, s from {table}")).await.unwrap();
        assert_eq!(found, expected, "seed {seed}, round {round}: {report:?}\n{sql}");
        Some(())
    }
}

async fn case(seed: u64, paths: &mut Paths) {
    let mut random = Random::new(seed ^ 0x5EED);
    let mut f = fixture();
    let plain = f.warehouse.clone();
    if seed.is_multiple_of(SHORT_OF_MEMORY) {
        f.warehouse = open_with_memory(f.folder.path(), 1);
    }
    for table in TABLES {
        let count = random.below(16);
        f.table(table, &values(&mut random, count)).await;
    }
    for (view, sql) in VIEWS {
        f.run(&format!("create view {view} as {sql}")).await;
    }
    let case = Case { seed, f, plain };
    let depth = 1 + random.below(2) as u32;
    let first = query(&mut random, depth, None);
    let second = query(&mut random, 1, Some("m.t"));
    let tests = tests(&mut random);
    for round in 0..=ROUNDS {
        if case.refreshed("m.t", &first, round, paths).await.is_none() {
            return;
        }
        if case.refreshed("m.u", &second, round, paths).await.is_none() {
            return;
        }
        for test in &tests {
            let failing = case.f.warehouse.count_failing(test, &QueryOptions::default()).await;
            let failing = failing.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}\n{test}"));
            let found = case.rows_of(test).await.unwrap().len() as u64;
            assert_eq!(failing.rows, found, "seed {seed}, round {round}: {test}");
        }
        for _ in 0..=random.below(3) {
            case.f.run(&statement(&mut random)).await;
        }
        if random.below(4) == 0 {
            for table in TABLES {
                case.f.warehouse.maintain(&name(table), &Upkeep::default()).await.unwrap();
            }
        }
    }
}

#[test]
fn wider_queries_are_refreshed_to_their_rows() {
    let cases = cases().map_or(CASES_DEFAULT, |cases| cases.div_ceil(3));
    let paths = each(&FOUND, cases, case);
    if cases >= CASES_DEFAULT {
        for path in ["append", "keys", "unchanged", "full"] {
            assert!(paths.contains_key(path), "{path} is among {paths:?}");
        }
    }
}
