//! Merges on random data against a model in memory.

use std::collections::BTreeMap;

use millstream_core::warehouse::Stage;
use proptest::prelude::*;

use crate::support::{Fixture, fixture};

type Rows = Vec<(Option<u8>, i32)>;

fn values(rows: &Rows) -> String {
    let cells: Vec<String> = rows
        .iter()
        .map(|(key, value)| format!("({}::bigint, {value})", key.map_or("null".into(), |key| key.to_string())))
        .collect();
    if cells.is_empty() {
        "select null::bigint as k, 0::bigint as v where false".into()
    } else {
        format!("select column1 as k, column2 as v from (values {})", cells.join(", "))
    }
}

async fn check(f: &Fixture, expected: &[(Option<u8>, i32)]) {
    let mut expected: Vec<String> =
        expected.iter().map(|(k, v)| format!("{}|{v}", k.map_or("null".into(), |k| k.to_string()))).collect();
    expected.sort();
    let mut found = f.rows("select k, v from m.t").await;
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(f.rows("select count(*) from m.t").await, [expected.len().to_string()]);
}

fn rows() -> impl Strategy<Value = Rows> {
    prop::collection::vec((prop::option::weighted(0.9, 0u8..12), -100i32..100), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn delete_insert_and_merge_equal_the_model(first in rows(), steps in prop::collection::vec((any::<bool>(), rows()), 1..4)) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
            let f = fixture();
            f.table("m.t", &values(&first)).await;
            let mut model = first.clone();
            for (merge, rows) in steps {
                let unique_key = vec!["k".to_owned()];
                let source = if merge {
                    // One row for each key, as a merge wants it.
                    rows.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect::<Rows>()
                } else {
                    rows
                };
                let sql = values(&source);
                let stage = if merge {
                    Stage::Merge { sql, unique_key, update_columns: vec![], predicates: vec![] }
                } else {
                    Stage::DeleteInsert { sql, unique_key, predicates: vec![] }
                };
                f.build("m.t", stage).await;
                model.retain(|(key, _)| !source.iter().any(|(other, _)| other == key));
                model.extend(source);
                check(&f, &model).await;
            }
        });
    }
}
