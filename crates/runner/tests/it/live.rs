//! `up`, round by round: models that are kept fresh, and what a dead one leaves.

use std::sync::Arc;
use std::time::Duration;

use millstream_core::{Kind, SystemClock};
use millstream_runner::live::UpRequest;
use millstream_runner::{Cancel, Status};
use millstream_store::{Cause, NodeRecord};

use crate::scene::{Scene, one_model};
use crate::world::World;

mod holding;

#[test]
fn a_second_one_is_refused() {
    let scene = Scene::new(one_model(), "");
    let request = scene.request.clone();
    let first = scene.runner.clone();
    scene.world.runtime.block_on(async {
        let up = tokio::spawn(async move { first.prepare_up(&request)?.run().await });
        while !scene.request.board.snapshot().is_started {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let error = scene.runner.up_once(&scene.request).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Environment);
        assert!(error.what().starts_with("millstream up is at work on"), "{error}");
        scene.request.cancel.cancel();
        up.await.unwrap().unwrap();
        let free = UpRequest { cancel: Cancel::default(), ..scene.request.clone() };
        scene.runner.up_once(&free).await.unwrap();
    });
}

/// A file source, a view, dynamic tables with a plain table between, and one that only a schedule builds.
fn chain() -> World {
    let world = World::new();
    world.write(
        "models/sources.yml",
        "sources: [{name: raw, schema: raw, tables: [{name: t, config: {meta: {millstream: {connector: file, path: 'in/*.csv'}}}, columns: [{name: id, data_type: integer}]}]}]",
    );
    world.write("models/v.sql", "{{ config(materialized='view') }} select id from {{ source('raw', 't') }}");
    world.write(
        "models/d1.sql",
        "{{ config(materialized='dynamic_table', target_lag='1 second') }} select id from {{ ref('v') }}",
    );
    world.write("models/p.sql", "{{ config(materialized='table') }} select id from {{ ref('d1') }}");
    world.write(
        "models/d2.sql",
        "{{ config(materialized='dynamic_table', target_lag='downstream') }} select count(*) as n from {{ ref('p') }}",
    );
    world.write(
        "models/d3.sql",
        "{{ config(materialized='dynamic_table', target_lag='1 minute') }} select n from {{ ref('d2') }}",
    );
    world.write("models/aside.sql", "{{ config(materialized='table') }} select id from {{ ref('v') }}");
    world.write("in/1.csv", "id\n1\n2\n");
    world
}

#[test]
fn a_round_builds_what_dynamic_tables_need_and_nothing_else() {
    let scene = Scene::new(chain(), "");
    let summary = scene.summary("01T00:00:00");
    assert!(summary.is_success());
    assert_eq!(scene.world.query("select n from main.d3"), "2\n");
    assert_eq!(scene.world.query("select table_name from information_schema.tables where table_name = 'aside'"), "");
    scene.world.write("in/2.csv", "id\n3\n");
    let summary = scene.summary("01T01:00:00");
    let names: Vec<_> = summary.refreshed.iter().map(|it| (it.unique_id.as_str(), it.status)).collect();
    let all = ["d1", "p", "d2", "d3"].map(|name| (format!("model.shop.{name}"), Status::Success));
    assert_eq!(names, all.iter().map(|(id, status)| (id.as_str(), *status)).collect::<Vec<_>>());
    assert_eq!(scene.world.query("select n from main.d3"), "3\n");
    assert!(scene.runner.store.runs(20).unwrap().iter().all(|run| run.cause == Cause::Start));
}

#[test]
fn what_a_schedule_builds_is_left_to_it_and_followed() {
    let scene = Scene::new(chain(), "schedules: [{name: s, cron: '0 3 * * *', command: run, select: p}]");
    assert!(scene.summary("01T00:00:00").is_success());
    assert_eq!(scene.world.query("select n from main.d3"), "2\n", "the first time it is built, or nothing could be");
    scene.world.write("in/2.csv", "id\n3\n");
    let summary = scene.summary("01T01:00:00");
    assert!(!summary.refreshed.iter().any(|it| it.unique_id == "model.shop.p"));
    assert_eq!(scene.world.query("select count(*) from main.d1"), "3\n");
    assert_eq!(scene.world.query("select n from main.d3"), "2\n");
    scene.summary("01T03:00:00");
    assert_eq!(scene.world.query("select n from main.d3"), "3\n");
}

#[test]
fn a_schedule_that_builds_everything_takes_nothing_from_up() {
    for command in ["build", "run", "build, exclude: aside"] {
        let scene = Scene::new(chain(), &format!("schedules: [{{name: s, cron: '0 3 * * *', command: {command}}}]"));
        assert!(scene.summary("01T00:00:00").is_success());
        scene.world.write("in/2.csv", "id\n3\n");
        assert!(scene.summary("01T01:00:00").is_success());
        assert_eq!(scene.world.query("select n from main.d3"), "3\n", "{command}: p is kept fresh");
    }
}

#[test]
fn up_follows_files_and_what_other_commands_build() {
    let scene = Scene::new(chain(), "schedules: [{name: s, cron: '0 3 * * *', command: run, select: p}]");
    let (runner, request) = (scene.runner.clone(), scene.request.clone());
    scene.world.runtime.block_on(async {
        let up = tokio::spawn(async move { runner.prepare_up(&request)?.run().await });
        let model = |name: &'static str| {
            let board = Arc::clone(&scene.request.board);
            move || board.snapshot().models.get(name).and_then(|model| model.version)
        };
        let (d1, d3) = (model("d1"), model("d3"));
        let until = async |what: &str, is_so: &dyn Fn() -> bool| {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
            while !is_so() {
                assert!(tokio::time::Instant::now() < deadline, "{what}: {:?}", scene.request.board.snapshot());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        until("everything is there", &|| d3().is_some()).await;
        let before = (d1(), d3());
        scene.world.write("in/2.csv", "id\n3\n");
        until("the file is in d1", &|| d1() > before.0).await;
        assert_eq!(d3(), before.1, "p is the schedule's");
        // Somebody builds p: what reads it is due within its lag, which is a minute less what a refresh may take.
        let build = World::request(&scene.runner, &["run", "--select", "p"]).unwrap();
        let build = millstream_runner::Request { lock_wait: Duration::from_secs(30), ..build };
        assert!(scene.runner.execute(&build).await.unwrap().is_success());
        until("the change is seen", &|| scene.request.board.snapshot().models["d3"].pending_since.is_some()).await;
        scene.request.cancel.cancel();
        up.await.unwrap().unwrap();
    });
    assert_eq!(scene.world.query("select count(*) from main.d1"), "3\n");
    assert!(scene.request.board.snapshot().is_draining);
}

#[test]
fn what_may_be_older_is_refreshed_beside_and_misses_nothing() {
    let world = chain();
    for name in ["p", "d2", "d3", "aside"] {
        world.remove(&format!("models/{name}.sql"));
    }
    // It takes its time, and has more of it than `d1`.
    let slow = "select id, (select count(*) from generate_series(1, 30000000)) as n from {{ ref('d1') }}";
    let config = "{{ config(materialized='dynamic_table', target_lag='10 seconds') }}";
    world.write("models/slow.sql", &format!("{config} {slow}"));
    // Beside the slow one this reads what it read.
    world.write(
        "tests/same.sql",
        "select * from {{ ref('slow') }} full join {{ ref('d1') }} using (id) where n is null",
    );
    let mut scene = Scene::new(world, "");
    scene.runner.clock = Arc::new(SystemClock);
    let (runner, request) = (scene.runner.clone(), scene.request.clone());
    // Refreshes of d1 that began and ended while one of the slow one went on.
    let beside = || {
        let runs = scene.runner.store.runs(100).unwrap();
        let nodes: Vec<_> = runs.iter().flat_map(|run| scene.runner.store.nodes(&run.invocation_id).unwrap()).collect();
        let of = |name: &str| {
            let nodes = nodes.iter().filter(|node| node.unique_id == format!("model.shop.{name}"));
            let span = |node: &NodeRecord| {
                (node.started_at, node.started_at + Duration::from_micros(node.duration_us), node.version)
            };
            nodes.map(span).collect::<Vec<_>>()
        };
        let (slow, fast) = (of("slow"), of("d1"));
        fast.iter().any(|fast| slow.iter().any(|slow| slow.0 < fast.0 && fast.1 < slow.1 && fast.2.is_some()))
    };
    let mut ids = 0;
    let model = |name: &str| scene.request.board.snapshot().models.get(name).cloned();
    scene.world.runtime.block_on(async {
        let up = tokio::spawn(async move { runner.prepare_up(&request)?.run().await });
        let deadline = tokio::time::Instant::now() + Duration::from_secs(120);
        let mut files = 1;
        while !beside() {
            assert!(tokio::time::Instant::now() < deadline, "{:?}", scene.request.board.snapshot());
            files += 1;
            scene.world.write(&format!("in/{files}.csv"), &format!("id\n{}\n", files + 1));
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        // From here on nothing comes: what came while the slow one was at work is in it all the same.
        while model("slow").unwrap().pending_since.is_some() || model("d1").unwrap().pending_since.is_some() {
            assert!(tokio::time::Instant::now() < deadline, "{:?}", scene.request.board.snapshot());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        scene.request.cancel.cancel();
        up.await.unwrap().unwrap();
        ids = files + 1;
    });
    for name in ["d1", "slow"] {
        assert_eq!(scene.world.query(&format!("select count(*) from main.{name}")), format!("{ids}\n"), "{name}");
    }
    assert!(scene.lines.0.lock().unwrap().is_empty(), "no version was held");
}

#[test]
fn a_model_that_fails_its_test_is_held_with_what_reads_it() {
    let world = chain();
    world.write("models/m.yml", "models: [{name: d1, columns: [{name: id, data_tests: [unique]}]}]");
    let scene = Scene::new(world, "");
    assert!(scene.summary("01T00:00:00").is_success());
    scene.world.write("in/2.csv", "id\n2\n3\n");
    let summary = scene.summary("01T01:00:00");
    assert!(!summary.is_success());
    assert_eq!(scene.lines.0.lock().unwrap().pop(), Some("held model.shop.d1".into()));
    assert_eq!(scene.world.query("select n from main.d3"), "2\n");
    let skipped = summary.refreshed.iter().filter(|it| it.status == Status::Skipped).count();
    assert_eq!((summary.refreshed.len(), skipped), (4, 3));
}

#[test]
fn a_lag_that_is_none_is_told_before_anything_runs() {
    let world = chain();
    world.write("models/d1.sql", "{{ config(materialized='dynamic_table', target_lag='soon') }} select 1 as id");
    let scene = Scene::new(world, "");
    let error = scene.world.runtime.block_on(scene.runner.up_once(&scene.request)).unwrap_err();
    assert!(error.to_string().contains("the target_lag of d1 is not one"), "{error}");
    assert_eq!(error.kind(), Kind::User);
}
