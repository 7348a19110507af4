//! Random sequences of writes, housekeeping and restarts against a model in memory, with past versions checked.

use std::collections::BTreeMap;
use std::time::Duration;

use millstream_core::housekeeping::Upkeep;
use millstream_core::warehouse::{AsOf, QueryOptions, Stage, Warehouse};
use proptest::prelude::*;

use crate::support::{Fixture, clocked, name, open_at};

/// Rows of the table, sorted: a key that may repeat, and a value.
type Rows = Vec<(i64, i64)>;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(i64, i64)>),
    /// Many small files at once.
    Burst(u8),
    Replace(Vec<(i64, i64)>),
    Merge(BTreeMap<i64, i64>),
    DeleteBelow(i64),
    /// Puts files together; versions of the last `n` steps stay.
    Maintain(u8),
    /// A merge that is staged while another process keeps house.
    MergeBeside(BTreeMap<i64, i64>),
    Reopen,
    /// A process is killed: its files were written and no commit names them.
    Killed,
    Sweep,
}

fn row() -> impl Strategy<Value = (i64, i64)> {
    (0i64..8, -50i64..50)
}

fn step() -> impl Strategy<Value = Step> {
    let keyed = || prop::collection::btree_map(0i64..8, -50i64..50, 0..5);
    prop_oneof![
        3 => prop::collection::vec(row(), 1..4).prop_map(Step::Append),
        2 => (3u8..12).prop_map(Step::Burst),
        1 => prop::collection::vec(row(), 0..6).prop_map(Step::Replace),
        2 => keyed().prop_map(Step::Merge),
        1 => (-50i64..50).prop_map(Step::DeleteBelow),
        4 => (0u8..6).prop_map(Step::Maintain),
        2 => keyed().prop_map(Step::MergeBeside),
        1 => Just(Step::Reopen),
        1 => Just(Step::Killed),
        1 => Just(Step::Sweep),
    ]
}

fn values(rows: impl IntoIterator<Item = (i64, i64)>) -> String {
    let all = rows.into_iter().map(|(key, value)| format!(" union all select {key}, {value}")).collect::<String>();
    format!("select cast(0 as bigint) as k, cast(0 as bigint) as v where false{all}")
}

fn merge_stage(pairs: &BTreeMap<i64, i64>) -> Stage {
    Stage::Merge {
        sql: values(pairs.clone()),
        unique_key: vec!["k".into()],
        update_columns: vec![],
        predicates: vec![],
    }
}

fn merged(model: &mut Rows, pairs: &BTreeMap<i64, i64>) {
    model.retain(|(key, _)| !pairs.contains_key(key));
    model.extend(pairs.iter().map(|(key, value)| (*key, *value)));
}

async fn rows_at(f: &Fixture, as_of: AsOf) -> Rows {
    let options = QueryOptions { as_of, ..QueryOptions::default() };
    let lines =
        f.rows_with("select k, v from m.t", &options).await.unwrap_or_else(|error| panic!("{as_of:?}: {error}"));
    let mut rows: Rows = lines
        .iter()
        .map(|line| line.split_once('|').map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).unwrap())
        .collect();
    rows.sort_unstable();
    rows
}

async fn version(f: &Fixture) -> u64 {
    f.warehouse.table_state(&name("m.t")).await.unwrap().unwrap().version
}

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (mut f, clock) = clocked();
    f.table("m.t", &values([(1, 1)])).await;
    let mut model: Rows = vec![(1, 1)];
    // What every version held, and when it came.
    let mut past: BTreeMap<u64, (i64, Rows)> = BTreeMap::from([(0, (0, model.clone()))]);
    for (number, step) in steps.iter().enumerate() {
        let now = (number as i64 + 1) * 10;
        clock.set(now);
        match step {
            Step::Append(rows) => {
                f.build("m.t", Stage::Append { sql: values(rows.clone()) }).await;
                model.extend(rows);
            }
            Step::Burst(count) => {
                for at in 0..*count {
                    let row = (i64::from(at % 8), i64::from(at));
                    f.build("m.t", Stage::Append { sql: values([row]) }).await;
                    model.push(row);
                    let mut seen = model.clone();
                    seen.sort_unstable();
                    past.insert(version(&f).await, (now, seen));
                }
            }
            Step::Replace(rows) => {
                f.table("m.t", &values(rows.clone())).await;
                model.clone_from(rows);
            }
            Step::Merge(pairs) => {
                f.build("m.t", merge_stage(pairs)).await;
                merged(&mut model, pairs);
            }
            Step::DeleteBelow(value) => {
                f.run(&format!("delete from m.t where v < {value}")).await;
                model.retain(|(_, v)| v >= value);
            }
            Step::Maintain(steps) => {
                f.age_files("m.t", Duration::from_secs(3_600));
                let retention = Duration::from_secs(u64::from(*steps) * 10);
                let upkeep = Upkeep { retention, unnamed_age: Duration::ZERO, ..Upkeep::default() };
                f.warehouse.maintain(&name("m.t"), &upkeep).await.unwrap();
                // A version is kept until another one has been the latest for as long as the retention.
                past.entry(version(&f).await).or_insert_with(|| (now, model.clone()));
                let cutoff = now - retention.as_secs() as i64;
                let oldest = past.iter().rev().find(|(_, (at, _))| *at <= cutoff).map(|(version, _)| *version);
                past.retain(|version, _| oldest.is_none_or(|oldest| *version >= oldest));
            }
            Step::MergeBeside(pairs) => {
                let staged = f.stage("m.t", merge_stage(pairs)).await.unwrap();
                let other = open_at(f.folder.path(), clock.clone());
                other.maintain(&name("m.t"), &Upkeep::default()).await.unwrap();
                match staged.publish(serde_json::Map::new()).await {
                    Ok(_) => merged(&mut model, pairs),
                    Err(error) => prop_assert!(error.is_retryable(), "{}", error),
                }
            }
            Step::Reopen => f.warehouse = open_at(f.folder.path(), clock.clone()),
            Step::Killed => {
                // The parts of a load that is never committed, and half a file.
                let batch = arrow::array::RecordBatch::try_from_iter([
                    ("k", std::sync::Arc::new(arrow::array::Int64Array::from(vec![77])) as arrow::array::ArrayRef),
                    ("v", std::sync::Arc::new(arrow::array::Int64Array::from(vec![77]))),
                ])
                .unwrap();
                let load = f.warehouse.begin_load(&name("m.t"), batch.schema()).await.unwrap();
                let _ = crate::support::part(&load, &batch);
                std::fs::write(f.folder.path().join("m/t/.tmp-part-x.parquet"), b"PAR1").unwrap();
                std::fs::write(f.folder.path().join("m/t/_delta_log/.x.tmp"), b"{}").unwrap();
            }
            Step::Sweep => {
                f.warehouse.sweep(Duration::ZERO).unwrap();
            }
        }
        model.sort_unstable();
        past.entry(version(&f).await).or_insert_with(|| (now, model.clone()));
        prop_assert_eq!(&rows_at(&f, AsOf::Latest).await, &model, "after {:?}", step);
        prop_assert_eq!(f.rows("select count(*) from m.t").await, [model.len().to_string()]);
    }
    for (version, (_, rows)) in &past {
        prop_assert_eq!(&rows_at(&f, AsOf::Version(*version)).await, rows, "version {}", version);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn housekeeping_changes_no_row_of_any_kept_version(steps in prop::collection::vec(step(), 1..16)) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(run(steps))?;
    }
}
