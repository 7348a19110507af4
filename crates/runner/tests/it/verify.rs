//! `verify` with tables that tell which versions they have read.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use millstream_core::warehouse::{Commit, Warehouse};
use millstream_runner::{Cancel, VerifyRequest, VerifyStatus};

use crate::world::World;

/// Adds rows of one number each, with these positions.
async fn load(warehouse: &dyn Warehouse, table: &str, column: &str, values: &[i64], positions: &[(&str, i64)]) {
    let values: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    let batch = RecordBatch::try_from_iter([(column, values)]).unwrap();
    let load = warehouse.begin_load(&table.parse().unwrap(), batch.schema()).await.unwrap();
    let mut part = load.part().unwrap();
    part.write(&batch).unwrap();
    let parts = part.finish().unwrap().into_iter().collect();
    let positions = positions.iter().map(|(id, at)| ((*id).to_owned(), *at)).collect();
    load.commit(parts, Commit { positions, ..Commit::default() }).await.unwrap();
}

#[test]
fn a_refreshed_table_is_recomputed_from_what_it_has_read() {
    let world = World::new();
    world.write("models/sources.yml", "version: 2\nsources: [{name: raw, tables: [{name: x}]}]\n");
    world.write(
        "models/total.sql",
        "{{ config(materialized='dynamic_table') }} select sum(v) as s from {{ source('raw', 'x') }}\n",
    );
    world.write(
        "models/doubled.sql",
        "{{ config(materialized='dynamic_table') }} select s * 2 as d from {{ ref('between') }}\n",
    );
    world.write("models/between.sql", "{{ config(materialized='view') }} select s from {{ ref('total') }}\n");
    world.write(
        "models/plain.sql",
        "{{ config(materialized='table') }} select sum(v) as s from {{ source('raw', 'x') }}\n",
    );
    let runner = world.runner().unwrap();
    let warehouse = runner.warehouse.clone();
    world.runtime.block_on(async {
        let warehouse = warehouse.as_ref();
        for value in [1, 10, 100] {
            load(warehouse, "raw.x", "v", &[value], &[]).await;
        }
        // The total is one version behind raw, what doubles it is one version behind the total.
        load(warehouse, "main.total", "s", &[1], &[("refresh:raw.x", 0)]).await;
        load(warehouse, "main.doubled", "d", &[2], &[("refresh:main.total", 0)]).await;
        load(warehouse, "main.plain", "s", &[11], &[]).await;
        let staged = warehouse
            .stage(
                &"main.total".parse().unwrap(),
                millstream_core::warehouse::Stage::Replace { sql: "select cast(11 as bigint) as s".into() },
                Default::default(),
                &Default::default(),
            )
            .await
            .unwrap();
        staged.publish(Default::default()).await.unwrap();
        let load_position = warehouse.begin_load(&"main.total".parse().unwrap(), staged.schema()).await.unwrap();
        let commit = Commit { positions: vec![("refresh:raw.x".into(), 1)], ..Commit::default() };
        load_position.commit(vec![], commit).await.unwrap();
        let selected = ["total", "doubled", "plain"].map(|name| format!("model.shop.{name}")).into_iter().collect();
        let request = VerifyRequest { selected, limit: 5, args: Default::default(), cancel: Cancel::default() };
        let summary = runner.verify(&request).await.unwrap();
        let told: Vec<_> = summary.models.iter().map(|model| (model.table.as_str(), model.status)).collect();
        assert_eq!(
            told,
            [
                ("main.doubled", VerifyStatus::Equal),
                // Nothing says what it was made from, so it is compared with what is there now.
                ("main.plain", VerifyStatus::Different),
                ("main.total", VerifyStatus::Equal),
            ],
            "{summary:?}"
        );
        assert!(!summary.is_success());
        assert_eq!(summary.models[1].rows[0].cells, [Some("11".to_owned())]);
    });
}
