//! Random sequences of statements against a model in memory.

use proptest::prelude::*;

use crate::support::fixture;

/// A row of the table: a key that may be null and may repeat, and a value.
type Row = (Option<i64>, i64);

#[derive(Debug, Clone)]
enum Step {
    Insert(Vec<Row>),
    InsertFromSelf(i64),
    DeleteBelow(i64),
    DeleteKeys(Vec<i64>),
    UpdateAbove(i64, i64),
    UpdateFrom(Vec<(i64, i64)>),
    Merge { source: Vec<(i64, i64)>, delete_above: i64, by_source: bool },
    Overwrite(Vec<Row>),
    AddColumn,
    Rename,
    Truncate,
}

fn keyed() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::btree_map(0i64..10, -50i64..50, 0..6).prop_map(|map| map.into_iter().collect())
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((prop::option::weighted(0.85, 0i64..10), -50i64..50), 1..7)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => rows().prop_map(Step::Insert),
        1 => (0i64..10).prop_map(Step::InsertFromSelf),
        2 => (-50i64..50).prop_map(Step::DeleteBelow),
        2 => prop::collection::vec(0i64..10, 1..4).prop_map(Step::DeleteKeys),
        2 => ((-50i64..50), (-9i64..9)).prop_map(|(above, add)| Step::UpdateAbove(above, add)),
        2 => keyed().prop_map(Step::UpdateFrom),
        4 => (keyed(), -50i64..50, any::<bool>())
            .prop_map(|(source, delete_above, by_source)| Step::Merge { source, delete_above, by_source }),
        1 => rows().prop_map(Step::Overwrite),
        1 => Just(Step::AddColumn),
        1 => Just(Step::Rename),
        1 => Just(Step::Truncate),
    ]
}

fn literal(key: Option<i64>) -> String {
    key.map_or("cast(null as bigint)".into(), |key| key.to_string())
}

fn values(rows: &[Row]) -> String {
    rows.iter().map(|(key, value)| format!("({}, {value})", literal(*key))).collect::<Vec<_>>().join(", ")
}

/// A source of pairs, which may be empty.
fn source(pairs: &[(i64, i64)]) -> String {
    let all = pairs.iter().map(|(key, value)| format!("union all select {key}, {value}")).collect::<Vec<_>>();
    format!("(select cast(0 as bigint) as k, cast(0 as bigint) as v where false {}) as s", all.join(" "))
}

/// The statement, and what it does to the model.
fn carry_out(step: &Step, model: &mut Vec<Row>) -> Vec<String> {
    let find = |pairs: &[(i64, i64)], key: Option<i64>| {
        key.and_then(|key| pairs.iter().find(|(other, _)| *other == key).map(|(_, value)| *value))
    };
    match step {
        Step::Insert(rows) => {
            model.extend(rows);
            vec![format!("insert into m.t (k, v) values {}", values(rows))]
        }
        Step::InsertFromSelf(key) => {
            let more: Vec<Row> = model.iter().filter(|row| row.0 == Some(*key)).copied().collect();
            model.extend(more);
            vec![format!("insert into m.t (v, k) select v, k from m.t where k = {key}")]
        }
        Step::DeleteBelow(value) => {
            model.retain(|row| row.1 >= *value);
            vec![format!("delete from m.t where v < {value}")]
        }
        Step::DeleteKeys(keys) => {
            model.retain(|row| !row.0.is_some_and(|key| keys.contains(&key)));
            let list = keys.iter().map(|key| format!("select {key} as k")).collect::<Vec<_>>().join(" union all ");
            vec![format!("delete from m.t using ({list}) as s where s.k = m.t.k")]
        }
        Step::UpdateAbove(above, add) => {
            model.iter_mut().filter(|row| row.1 > *above).for_each(|row| row.1 += add);
            vec![format!("update m.t set v = v + {add} where v > {above}")]
        }
        Step::UpdateFrom(pairs) => {
            for row in model.iter_mut() {
                row.1 = find(pairs, row.0).unwrap_or(row.1);
            }
            vec![format!("update m.t set v = s.v from {} where s.k = m.t.k", source(pairs))]
        }
        Step::Merge { source: pairs, delete_above, by_source } => {
            let before = model.clone();
            model.retain(|row| match find(pairs, row.0) {
                Some(value) => value <= *delete_above,
                None => !(*by_source && row.1 < 0),
            });
            for row in model.iter_mut() {
                row.1 = find(pairs, row.0).unwrap_or(row.1);
            }
            let new = pairs.iter().filter(|(key, _)| !before.iter().any(|row| row.0 == Some(*key)));
            model.extend(new.map(|(key, value)| (Some(*key), *value)));
            let alone = if *by_source { "when not matched by source and d.v < 0 then delete" } else { "" };
            vec![format!(
                "merge into m.t as d using {} on d.k = s.k when matched and s.v > {delete_above} then delete \
                 when matched then update set v = s.v when not matched then insert (k, v) values (s.k, s.v) {alone}",
                source(pairs)
            )]
        }
        Step::Overwrite(rows) => {
            model.clone_from(rows);
            vec![
                format!(
                    "create or replace table m.s as select column1 as k, column2 as v from (values {})",
                    values(rows)
                ),
                "alter table m.t drop column if exists more".into(),
                "insert overwrite into m.t select k, v from m.s".into(),
            ]
        }
        Step::AddColumn => vec!["alter table m.t add column if not exists more varchar".into()],
        Step::Rename => vec!["alter table m.t rename to m.u".into(), "alter table m.u rename to m.t".into()],
        Step::Truncate => {
            model.clear();
            vec!["truncate table m.t".into()]
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn statements_equal_the_model(steps in prop::collection::vec(step(), 1..14)) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
            let f = fixture();
            f.run("create table m.t (k bigint, v bigint)").await;
            let mut model: Vec<Row> = Vec::new();
            for step in steps {
                for sql in carry_out(&step, &mut model) {
                    f.run(&sql).await;
                }
                let mut expected: Vec<String> = model
                    .iter()
                    .map(|(key, value)| format!("{}|{value}", key.map_or("null".into(), |key| key.to_string())))
                    .collect();
                expected.sort();
                let mut found = f.rows("select k, v from m.t").await;
                found.sort();
                prop_assert_eq!(found, expected, "after {:?}", step);
            }
            Ok(())
        })?;
    }
}
