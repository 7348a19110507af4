//! Backfills: intervals one by one, known from the history.

use std::collections::BTreeSet;

use millstream_core::Kind;
use millstream_runner::{BackfillRequest, Interval, IntervalSize, Runner};
use millstream_store::{Cause, RunStatus};

use crate::world::World;

/// Events with a time, a microbatch model and a merged one over them, and a table that cannot be built in parts.
fn events() -> World {
    let world = World::new();
    world.write("seeds/raw_events.csv", "id,at,amount\n1,2025-03-10,1\n2,2025-04-10,2\n3,2025-05-10,3\n");
    world.write(
        "models/events.sql",
        "{{ config(event_time='at', materialized='table') }} select id, cast(at as timestamp) as at, amount from {{ ref('raw_events') }}",
    );
    world.write(
        "models/batches.sql",
        "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', batch_size='month', begin='2025-03-01', lookback=0) }} select id, at, amount from {{ ref('events') }}",
    );
    world.write(
        "models/merged.sql",
        "{{ config(materialized='incremental', unique_key='id') }} select id, at, amount from {{ ref('events') }}",
    );
    world.write("models/m.yml", "models: [{name: merged, columns: [{name: amount, data_tests: [{accepted_values: {arguments: {values: [1, 2, 3, 30], quote: false}}}]}]}]");
    world
}

struct Filled {
    /// Month and how its run ended.
    told: Vec<(String, bool)>,
}

/// As the command does.
fn backfill(world: &World, runner: &Runner, request: &BackfillRequest, from: &str, to: &str) -> Filled {
    let windows = IntervalSize::Month.intervals(from, to).unwrap();
    let plan = runner.backfill_plan(request, &windows).unwrap();
    let mut told = Vec::new();
    for interval in plan.iter().filter(|interval| !interval.models.is_empty()) {
        let attempt = runner.backfill_attempt(interval).unwrap();
        let summary = world.runtime.block_on(runner.backfill(request, interval, attempt)).unwrap();
        told.push((IntervalSize::Month.label(interval.window.start), summary.is_success()));
        if !summary.is_success() {
            break;
        }
    }
    Filled { told }
}

fn all(runner: &Runner) -> BackfillRequest {
    let selected: BTreeSet<String> = runner.project.manifest.nodes.keys().cloned().collect();
    BackfillRequest { selected, ..BackfillRequest::default() }
}

fn runner(world: &World) -> Runner {
    Runner { ids: std::sync::Arc::new(millstream_runner::RandomIds), ..world.runner().unwrap() }
}

#[test]
fn each_interval_is_a_run_and_is_built_once() {
    let world = events();
    let runner = runner(&world);
    assert!(
        world.runtime.block_on(runner.execute(&World::request(&runner, &["build"]).unwrap())).unwrap().is_success()
    );
    // Late corrections to two months; the third is not asked for.
    world.write("seeds/raw_events.csv", "id,at,amount\n1,2025-03-10,30\n2,2025-04-10,30\n3,2025-05-10,30\n");
    let late = World::request(&runner, &["build", "--select", "raw_events events"]).unwrap();
    assert!(world.runtime.block_on(runner.execute(&late)).unwrap().is_success());
    let request = all(&runner);
    let filled = backfill(&world, &runner, &request, "2025-03", "2025-04");
    assert_eq!(filled.told, [("2025-03".to_owned(), true), ("2025-04".to_owned(), true)]);
    for model in ["batches", "merged"] {
        assert_eq!(world.query(&format!("select amount from main.{model} order by id")), "30\n30\n3\n", "{model}");
    }
    let runs = runner.store.runs_because(&Cause::Backfill).unwrap();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run.status == RunStatus::Success && run.command == "build" && run.attempt == 1));
    assert!(backfill(&world, &runner, &request, "2025-03", "2025-04").told.is_empty(), "done is done");
    let filled = backfill(&world, &runner, &request, "2025-04", "2025-05");
    assert_eq!(filled.told, [("2025-05".to_owned(), true)], "what is new is built");
    let again = BackfillRequest { again: true, ..request };
    assert_eq!(backfill(&world, &runner, &again, "2025-04", "2025-04").told.len(), 1);
}

#[test]
fn one_that_failed_goes_on_where_it_ended() {
    let world = events();
    let runner = runner(&world);
    assert!(
        world.runtime.block_on(runner.execute(&World::request(&runner, &["build"]).unwrap())).unwrap().is_success()
    );
    let seed = |amount: i32| {
        world.write(
            "seeds/raw_events.csv",
            &format!("id,at,amount\n1,2025-03-10,30\n2,2025-04-10,{amount}\n3,2025-05-10,30\n"),
        );
        let request = World::request(&runner, &["build", "--select", "raw_events events"]).unwrap();
        assert!(world.runtime.block_on(runner.execute(&request)).unwrap().is_success());
    };
    seed(-7);
    let request = all(&runner);
    let filled = backfill(&world, &runner, &request, "2025-03", "2025-05");
    assert_eq!(filled.told, [("2025-03".to_owned(), true), ("2025-04".to_owned(), false)]);
    assert_eq!(world.query("select amount from main.merged order by id"), "30\n2\n3\n", "it is held back by its test");
    seed(30);
    let filled = backfill(&world, &runner, &request, "2025-03", "2025-05");
    assert_eq!(filled.told, [("2025-04".to_owned(), true), ("2025-05".to_owned(), true)]);
    let attempts: Vec<u32> =
        runner.store.runs_because(&Cause::Backfill).unwrap().iter().rev().map(|run| run.attempt).collect();
    assert_eq!(attempts.iter().filter(|attempt| **attempt == 2).count(), 1, "{attempts:?}");
}

#[test]
fn what_cannot_be_built_in_parts_is_told() {
    let world = events();
    world.write("models/appended.sql", "{{ config(materialized='incremental') }} select id from {{ ref('events') }}");
    world.write(
        "models/blind.sql",
        "{{ config(materialized='incremental', unique_key='id') }} select id from {{ ref('merged') }}",
    );
    let runner = runner(&world);
    let windows = IntervalSize::Month.intervals("2025-03", "2025-03").unwrap();
    let error = runner.backfill_plan(&all(&runner), &windows).unwrap_err().to_string();
    assert!(
        error.contains("appended appends") && error.contains("blind reads nothing that has an event_time"),
        "{error}"
    );
    let only_table =
        BackfillRequest { selected: ["model.shop.events".to_owned()].into(), ..BackfillRequest::default() };
    assert_eq!(runner.backfill_plan(&only_table, &windows).unwrap_err().kind(), Kind::Usage);
    let batches = BackfillRequest { selected: ["model.shop.batches".to_owned()].into(), ..BackfillRequest::default() };
    let plan: Vec<Interval> = runner.backfill_plan(&batches, &windows).unwrap();
    assert_eq!(plan[0].models, batches.selected);
}
