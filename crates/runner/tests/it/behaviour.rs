//! What a Markdown project cannot show: locks, cancelling, order, history, artefacts.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use millstream_core::Kind;
use millstream_core::housekeeping::Upkeep;
use millstream_runner::{Cancel, Event, Events, MaintainRequest, RUNS_KEPT, Runner, Status, WorkspaceLock};
use millstream_store::{Cause, RunRecord, RunStatus};

use crate::world::{TestIds, World};

fn chain(world: &World) {
    world.write("models/a.sql", "{{ config(materialized='table') }} select 1 as id");
    world.write("models/b.sql", "{{ config(materialized='table') }} select id from {{ ref('a') }}");
    world.write("models/c.sql", "{{ config(materialized='table') }} select 1 as id");
    world.write("models/m.yml", "models: [{name: a, columns: [{name: id, data_tests: [unique, not_null]}]}]");
}

#[test]
fn two_writers_do_not_interleave() {
    let world = World::new();
    chain(&world);
    let runner = world.runner().unwrap();
    let mut request = World::request(&runner, &["build"]).unwrap();
    let take = || {
        let events = millstream_runner::SilentEvents;
        world.runtime.block_on(WorkspaceLock::take(
            &runner.workspace,
            "lock",
            Duration::ZERO,
            &Cancel::default(),
            &events,
        ))
    };
    let lock = take().unwrap();
    let error = world.runtime.block_on(runner.execute(&request)).unwrap_err();
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.is_retryable());
    assert!(error.what().contains(&format!("process {}", std::process::id())), "{error}");
    assert!(runner.store.runs(9).unwrap().is_empty(), "a run that could not start leaves no record");
    request.lock_wait = Duration::from_secs(20);
    let summary = world.runtime.block_on(async {
        let release = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(120)).await;
            drop(lock);
        });
        let summary = runner.execute(&request).await;
        release.await.unwrap();
        summary
    });
    assert!(summary.unwrap().is_success());
    assert!(take().is_ok(), "the lock is free after the run");
}

#[test]
fn nodes_that_are_ready_start_in_the_order_of_their_names() {
    let world = World::new();
    for name in ["d", "b", "e", "a", "c"] {
        world.write(&format!("models/{name}.sql"), "select 1 as id");
    }
    let mut runner = world.runner().unwrap();
    let request = World::request(&runner, &["build"]).unwrap();
    for round in 0..3 {
        runner.ids = Arc::new(TestIds(DateTime::UNIX_EPOCH + TimeDelta::days(round)));
        world.listener.started.lock().unwrap().clear();
        world.runtime.block_on(runner.execute(&request)).unwrap();
        let started = world.listener.started.lock().unwrap().clone();
        assert_eq!(started, ["a", "b", "c", "d", "e"].map(|name| format!("model.shop.{name}")));
    }
}

#[test]
fn a_run_is_recorded_with_its_nodes_and_a_dead_one_is_marked() {
    let world = World::new();
    chain(&world);
    let runner = world.runner().unwrap();
    let dead = millstream_store::RunRecord {
        invocation_id: "dead".into(),
        command: "build".into(),
        args: serde_json::json!({}),
        started_at: "2025-01-01T00:00:00Z".parse().unwrap(),
        finished_at: None,
        status: RunStatus::Running,
        pid: 1,
        message: None,
        cause: millstream_store::Cause::Cli,
        attempt: 1,
    };
    runner.store.start_run(&dead).unwrap();
    world.write("workspace/warehouse/main/a/part-of-the-dead.parquet", "half a file");
    let summary = world.summary(&["build"]).unwrap();
    assert_eq!(
        world.events(),
        "note: an earlier run was interrupted; 1 files that it had not published were removed\n"
    );
    assert!(!world.path().join("workspace/warehouse/main/a/part-of-the-dead.parquet").exists());
    let runs = runner.store.runs(9).unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!((runs[0].invocation_id.as_str(), runs[0].status), (summary.invocation_id.as_str(), RunStatus::Success));
    assert_eq!(runs[0].message.as_deref(), Some("Done. PASS=5 WARN=0 ERROR=0 SKIP=0 TOTAL=5"));
    assert_eq!((runs[1].invocation_id.as_str(), runs[1].status), ("dead", RunStatus::Interrupted));
    let nodes = runner.store.nodes(&summary.invocation_id).unwrap();
    assert_eq!(nodes.len(), 5);
    let model = nodes.iter().find(|node| node.unique_id == "model.shop.a").unwrap();
    assert_eq!((model.rows, model.version, model.relation.as_deref()), (Some(1), Some(0), Some("main.a")));
}

#[test]
fn housekeeping_forgets_old_runs() {
    let world = World::new();
    let runner = world.runner().unwrap();
    for number in 0..=RUNS_KEPT {
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(number as i64);
        let run = RunRecord {
            invocation_id: format!("run-{number}"),
            command: "build".into(),
            args: serde_json::json!({}),
            started_at: at,
            finished_at: Some(at),
            status: RunStatus::Success,
            pid: 1,
            message: None,
            cause: Cause::File,
            attempt: 1,
        };
        runner.store.start_run(&run).unwrap();
    }
    let forgotten = |is_compaction_only| {
        let upkeep = Upkeep { is_compaction_only, ..Upkeep::default() };
        let request = MaintainRequest { upkeep, ..MaintainRequest::default() };
        world.runtime.block_on(runner.maintain(&request)).unwrap().runs_forgotten
    };
    assert_eq!(forgotten(true), 0, "that is done each few seconds");
    assert_eq!(forgotten(false), 1);
    assert_eq!(runner.store.run("run-0").unwrap(), None);
    assert_eq!(forgotten(false), 0);
}

/// Throws the switch when the named node starts.
struct CancelAt(&'static str, Cancel);

impl Events for CancelAt {
    fn on(&self, event: &Event<'_>) {
        if matches!(event, Event::NodeStarted { unique_id, .. } if unique_id.ends_with(self.0)) {
            self.1.cancel();
        }
    }
}

#[test]
fn a_cancelled_run_publishes_nothing_more_and_skips_the_rest() {
    let world = World::new();
    chain(&world);
    let mut runner = world.runner().unwrap();
    let mut request = World::request(&runner, &["build"]).unwrap();
    request.threads = 1;
    let test = runner.project.manifest.nodes.keys().find(|id| id.contains("not_null_a_id")).unwrap().clone();
    let test: &'static str = test.leak();
    runner.events = Arc::new(CancelAt(test, request.cancel.clone()));
    let summary = world.runtime.block_on(runner.execute(&request)).unwrap();
    assert!(summary.cancelled);
    assert!(!summary.is_success());
    assert_eq!(summary.total(), 5, "every node has a result");
    let about = |id: &str| summary.results.iter().find(|result| result.unique_id == id).unwrap();
    for id in ["model.shop.a", "model.shop.b", test] {
        assert_eq!(about(id).status, Status::Skipped, "{:?}", about(id));
    }
    assert!(world.query("select * from main.a").starts_with("error: there is no table"));
    let left = files_below(&runner.workspace.join("warehouse/main/a"));
    assert!(!left.iter().any(|file| file.ends_with(".parquet")), "the staged version is gone: {left:?}");
    assert_eq!(runner.store.runs(1).unwrap()[0].status, RunStatus::Cancelled);
    let again = World::request(&runner, &["build"]).unwrap();
    runner.ids = Arc::new(TestIds(DateTime::UNIX_EPOCH));
    runner.events = Arc::new(millstream_runner::SilentEvents);
    assert!(world.runtime.block_on(runner.execute(&again)).unwrap().is_success());
}

fn files_below(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn artefacts_have_dbts_schema() {
    let world = World::new();
    chain(&world);
    let mut runner = world.runner().unwrap();
    let mut request = World::request(&runner, &["build"]).unwrap();
    request.args.insert("which".into(), "build".into());
    runner.events = Arc::new(millstream_runner::SilentEvents);
    world.runtime.block_on(runner.execute(&request)).unwrap();
    let results = json(&runner, "run_results.json");
    assert_eq!(results["metadata"]["dbt_schema_version"], "https://schemas.getdbt.com/dbt/run-results/v6.json");
    assert_eq!(results["args"]["which"], "build");
    let all = results["results"].as_array().unwrap();
    assert_eq!(all.len(), 5);
    for key in [
        "status",
        "timing",
        "thread_id",
        "execution_time",
        "adapter_response",
        "message",
        "failures",
        "unique_id",
        "compiled",
        "compiled_code",
        "relation_name",
    ] {
        assert!(all.iter().all(|result| result.get(key).is_some()), "{key}");
    }
    let model = all.iter().find(|result| result["unique_id"] == "model.shop.b").unwrap();
    assert_eq!(model["adapter_response"]["rows_affected"], 1);
    assert_eq!(model["relation_name"], "\"main\".\"b\"");
    let names: Vec<&str> =
        model["timing"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["compile", "execute"]);
    let manifest = json(&runner, "manifest.json");
    assert_eq!(manifest["nodes"]["model.shop.b"]["compiled"], true);
    assert_eq!(manifest["nodes"]["model.shop.b"]["compiled_path"], "target/compiled/shop/models/b.sql");
    assert_eq!(manifest["metadata"]["project_name"], "shop");
    let files = files_below(&runner.target_dir);
    assert!(!files.iter().any(|file| file.ends_with(".tmp")), "{files:?}");
    assert!(files.iter().any(|file| file.ends_with("target/run/shop/models/b.sql")), "{files:?}");
}

fn json(runner: &Runner, name: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(runner.target_dir.join(name)).unwrap()).unwrap()
}

#[test]
fn seeds_are_read_whatever_their_line_ends_and_refused_when_they_are_no_text() {
    let mut world = World::new();
    let write = |world: &World, name: &str, bytes: &[u8]| {
        world.write(&format!("seeds/{name}.csv"), "");
        std::fs::write(world.path().join(format!("seeds/{name}.csv")), bytes).unwrap();
    };
    write(&world, "windows", b"\xef\xbb\xbfid,name\r\n1,\"two\r\nlines\"\r\n");
    assert!(world.run("seed").contains("seed windows success, 1 rows"));
    assert_eq!(world.query("select id + 1, length(name) from main.windows"), "2 | 10\n");
    write(&world, "windows", b"id,name\n1,J\xfcrgen\n");
    assert!(world.run("seed").contains("seed windows error"));
    assert!(world.message("windows", "").contains("it is not UTF-8 text"));
    write(&world, "windows", b"");
    assert!(world.run("seed").contains("seed windows error"));
    assert!(world.message("windows", "").contains("the header of the seed windows is empty"));
}

/// Loads a file into the raw table when the named node starts, as an ingestion beside the build would.
struct LoadAt(&'static str, std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Events for LoadAt {
    fn on(&self, event: &Event<'_>) {
        if matches!(event, Event::NodeStarted { unique_id, .. } if unique_id.ends_with(self.0))
            && let Some(load) = self.1.lock().unwrap().take()
        {
            load();
        }
    }
}

#[test]
fn a_run_reads_one_version_of_what_is_ingested_meanwhile() {
    let mut world = World::new();
    world.write(
        "models/sources.yml",
        "sources: [{name: raw, tables: [{name: sales, config: {meta: {millstream: {connector: file, \
         path: 'data/sales_*.csv', format: csv}}}, columns: [{name: sale_id, data_type: varchar}]}]}]",
    );
    for name in ["a_first", "b_second"] {
        let sql = "{{ config(materialized='table') }} select count(*) as n from {{ source('raw', 'sales') }}";
        world.write(&format!("models/{name}.sql"), sql);
    }
    world.write("data/sales_1.csv", "sale_id\n1\n2\n");
    world.run("ingest");
    let mut runner = world.runner().unwrap();
    let mut request = World::request(&runner, &["build"]).unwrap();
    request.threads = 1;
    world.write("data/sales_2.csv", "sale_id\n3\n");
    let mut beside = world.runner().unwrap();
    beside.ids = Arc::new(TestIds(DateTime::UNIX_EPOCH));
    runner.ids = Arc::new(TestIds(DateTime::UNIX_EPOCH + TimeDelta::days(1)));
    let load = move || {
        // On a thread of its own: this one is inside of the build's runtime.
        let loaded = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(beside.ingest(&millstream_runner::IngestRequest::default())).unwrap()
        });
        loaded.join().unwrap();
    };
    runner.events = Arc::new(LoadAt("b_second", std::sync::Mutex::new(Some(Box::new(load)))));
    assert!(world.runtime.block_on(runner.execute(&request)).unwrap().is_success());
    assert_eq!(world.query("select count(*) from raw.sales"), "3\n", "it was loaded while the build ran");
    assert_eq!(world.query("select a.n, b.n from main.a_first a, main.b_second b"), "2 | 2\n");
    world.run("build");
    assert_eq!(world.query("select a.n, b.n from main.a_first a, main.b_second b"), "3 | 3\n");
}

#[test]
fn artefacts_tell_of_unit_tests_and_batches() {
    let mut world = World::new();
    chain(&world);
    world.write(
        "models/u.yml",
        "unit_tests: [{name: one, model: b, given: [{input: ref('a'), rows: [{id: 1}]}], expect: {rows: [{id: 2}]}}]",
    );
    world.write(
        "models/e.sql",
        "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', batch_size='day', \
         begin='2025-05-31') }} {% set last = model.batch and model.batch.id == '20250601' %} \
         select at, 1 / (case when {{ 'true' if last else 'false' }} then 0 else n end) as n from (\
         select timestamp '2025-05-31 05:00:00' as at, 1 as n union all select timestamp '2025-06-01 05:00:00', 1)",
    );
    world.set_clock("2025-06-01T05:00:00Z");
    world.run("build");
    let runner = world.runner().unwrap();
    let results = json(&runner, "run_results.json");
    let about = |id: &str| {
        let all = results["results"].as_array().unwrap();
        all.iter().find(|result| result["unique_id"] == id).unwrap().clone()
    };
    let unit = about("unit_test.shop.b.one");
    assert_eq!((&unit["status"], &unit["failures"]), (&"fail".into(), &1.into()));
    assert!(unit["compiled_code"].as_str().unwrap().contains("__dbt__cte__a as ("), "{unit}");
    assert_eq!(about("model.shop.b")["status"], "skipped");
    let batches = about("model.shop.e");
    assert_eq!(batches["status"], "partial success");
    let pair = |a: &str, b: &str| serde_json::json!([[a, b]]);
    assert_eq!(batches["batch_results"]["successful"], pair("2025-05-31T00:00:00Z", "2025-06-01T00:00:00Z"));
    assert_eq!(batches["batch_results"]["failed"], pair("2025-06-01T00:00:00Z", "2025-06-02T00:00:00Z"));
    assert!(json(&runner, "manifest.json")["unit_tests"]["unit_test.shop.b.one"].is_object());
}
