//! Backfills: intervals one by one, known from the history.

use std::collections::BTreeSet;
use std::sync::Arc;

use millstream_core::{Error, Kind};
use millstream_project::Window;
use millstream_runner::{BackfillRequest, Interval, IntervalSize, Runner};
use millstream_store::{Cause, RunStatus};

use crate::world::{TestClock, World};

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
        // What most incremental models say: it must not keep an interval's rows away.
        "{{ config(materialized='incremental', unique_key='id') }} select id, at, amount from {{ ref('events') }}
         {% if is_incremental() %} where at > (select max(at) from {{ this }}) {% endif %}",
    );
    world.write("models/m.yml", "models: [{name: merged, columns: [{name: amount, data_tests: [{accepted_values: {arguments: {values: [1, 2, 3, 30], quote: false}}}]}]}]");
    world
}

struct Filled {
    /// Month and how its run ended.
    told: Vec<(String, bool)>,
}

fn plan(world: &World, runner: &Runner, request: &BackfillRequest, windows: &[Window]) -> Result<Vec<Interval>, Error> {
    world.runtime.block_on(runner.backfill_plan(request, windows))
}

/// As the command does.
fn backfill(world: &World, runner: &Runner, request: &BackfillRequest, from: &str, to: &str) -> Filled {
    let windows = IntervalSize::Month.intervals(from, to).unwrap();
    let plan = plan(world, runner, request, &windows).unwrap();
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
    Runner { ids: Arc::new(millstream_runner::RandomIds), ..world.runner().unwrap() }
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
    let error = plan(&world, &runner, &all(&runner), &windows).unwrap_err().to_string();
    for expected in [
        "appended appends",
        "blind reads nothing that has an event_time",
        "merged has no table yet",
        "millstream build --select merged",
    ] {
        assert!(error.contains(expected), "{expected} is missing in {error}");
    }
    let only_table =
        BackfillRequest { selected: ["model.shop.events".to_owned()].into(), ..BackfillRequest::default() };
    assert_eq!(plan(&world, &runner, &only_table, &windows).unwrap_err().kind(), Kind::Usage);
    let batches = BackfillRequest { selected: ["model.shop.batches".to_owned()].into(), ..BackfillRequest::default() };
    assert_eq!(plan(&world, &runner, &batches, &windows).unwrap()[0].models, batches.selected);
}

fn build(world: &World, runner: &Runner, words: &[&str]) {
    let request = World::request(runner, words).unwrap();
    assert!(world.runtime.block_on(runner.execute(&request)).unwrap().is_success());
}

fn only(model: &str) -> BackfillRequest {
    BackfillRequest { selected: [format!("model.shop.{model}")].into(), ..BackfillRequest::default() }
}

/// A model over the events that replaces partitions.
fn overwriting(world: &World, model: &str, config: &str, sql: &str) {
    let config = format!("materialized='incremental', incremental_strategy='insert_overwrite'{config}");
    world.write(&format!("models/{model}.sql"), &format!("{{{{ config({config}) }}}} {sql}"));
}

const OF_EVENTS: &str = "select id, at, amount from {{ ref('events') }}";

#[test]
fn partitions_that_are_not_of_the_interval_are_not_replaced() {
    let world = events();
    let by = |field: &str, granularity: &str| {
        format!(
            ", event_time='at', partition_by={{'field': '{field}', 'data_type': 'timestamp', 'granularity': '{granularity}'}}"
        )
    };
    overwriting(&world, "whole", ", event_time='at'", OF_EVENTS);
    overwriting(&world, "by_amount", ", event_time='at', partition_by='amount'", OF_EVENTS);
    overwriting(&world, "timeless", ", partition_by='at'", OF_EVENTS);
    overwriting(&world, "by_year", &by("at", "year"), OF_EVENTS);
    overwriting(&world, "by_other", &by("later", "day"), "select at, at as later, amount from {{ ref('events') }}");
    overwriting(&world, "by_month", &by("at", "month"), OF_EVENTS);
    overwriting(&world, "by_day", &by("at", "day"), OF_EVENTS);
    overwriting(&world, "by_time", ", event_time='at', partition_by=['at', 'amount']", OF_EVENTS);
    let runner = runner(&world);
    build(&world, &runner, &["build"]);
    let month = IntervalSize::Month.intervals("2025-03", "2025-04").unwrap();
    let day = IntervalSize::Day.intervals("2025-03-01", "2025-03-31").unwrap();
    for (model, by_month, by_day) in [
        ("whole", false, false),
        ("by_amount", false, false),
        ("timeless", false, false),
        ("by_year", false, false),
        ("by_other", false, false),
        ("by_month", true, false),
        ("by_day", true, true),
        ("by_time", true, true),
    ] {
        for (windows, is_good) in [(&month, by_month), (&day, by_day)] {
            match plan(&world, &runner, &only(model), windows) {
                Ok(_) => assert!(is_good, "{model} must not be planned"),
                Err(error) => assert!(!is_good && error.to_string().contains("rows of other intervals"), "{error}"),
            }
        }
    }
    world.write("seeds/raw_events.csv", "id,at,amount\n1,2025-03-10,30\n2,2025-04-10,30\n3,2025-05-10,30\n");
    build(&world, &runner, &["build", "--select", "raw_events events"]);
    for model in ["by_month", "by_day"] {
        assert_eq!(backfill(&world, &runner, &only(model), "2025-04", "2025-04").told.len(), 1);
        assert_eq!(world.query(&format!("select amount from main.{model} order by id")), "1\n30\n3\n", "{model}");
    }
}

#[test]
fn an_interval_with_rows_of_another_one_is_refused_when_it_is_written() {
    let world = events();
    // What it calls its time is the first of the month: of one day the rows of all its month would be replaced.
    let sql = "select date_trunc('month', at) as month, sum(amount) as amount from {{ ref('events') }} group by 1";
    overwriting(&world, "totals", ", event_time='month', partition_by='month'", sql);
    let runner = runner(&world);
    build(&world, &runner, &["build"]);
    let day = IntervalSize::Day.intervals("2025-03-10", "2025-03-10").unwrap();
    let interval = plan(&world, &runner, &only("totals"), &day).unwrap().remove(0);
    let summary = world.runtime.block_on(runner.backfill(&only("totals"), &interval, 1)).unwrap();
    let message = summary.results[0].message.clone().unwrap_or_default();
    assert!(message.contains("would replace rows of other intervals"), "{message}");
    assert!(backfill(&world, &runner, &only("totals"), "2025-03", "2025-03").told[0].1, "a month is its own");
    assert_eq!(world.query("select amount from main.totals order by month"), "1\n2\n3\n");
}

#[test]
fn a_model_is_never_made_whole_of_one_interval() {
    let world = events();
    for (name, strategy) in [
        ("renewed", "unique_key='id'"),
        (
            "renewed_batches",
            "incremental_strategy='microbatch', event_time='at', batch_size='month', begin='2025-03-01'",
        ),
    ] {
        let config = format!("materialized='incremental', full_refresh=true, {strategy}");
        world.write(&format!("models/{name}.sql"), &format!("{{{{ config({config}) }}}} {OF_EVENTS}"));
    }
    let runner = runner(&world);
    build(&world, &runner, &["build"]);
    let windows = IntervalSize::Month.intervals("2025-03", "2025-03").unwrap();
    for name in ["renewed", "renewed_batches"] {
        let error = plan(&world, &runner, &only(name), &windows).unwrap_err().to_string();
        assert!(error.contains("is made whole each time (full_refresh: true)"), "{error}");
    }
    // Its table goes between the plan and the work.
    let interval = plan(&world, &runner, &only("merged"), &windows).unwrap().remove(0);
    let options = millstream_core::warehouse::QueryOptions::default();
    world.runtime.block_on(runner.warehouse.execute("drop table main.merged", &options)).unwrap();
    let summary = world.runtime.block_on(runner.backfill(&only("merged"), &interval, 1)).unwrap();
    let message = summary.results[0].message.clone().unwrap_or_default();
    assert!(message.contains("no table that an interval could be put into"), "{message}");
}

#[test]
fn an_interval_that_had_not_ended_is_built_again() {
    let world = events();
    let at = |time: &str| Runner { clock: Arc::new(TestClock(time.parse().unwrap())), ..runner(&world) };
    let during = at("2025-05-20T00:00:00Z");
    build(&world, &during, &["build"]);
    let months = |runner: &Runner| backfill(&world, runner, &only("merged"), "2025-04", "2025-05").told;
    let built = |month: &str| (month.to_owned(), true);
    assert_eq!(months(&during), [built("2025-04"), built("2025-05")]);
    assert_eq!(months(&during), [built("2025-05")], "more of it may have come");
    let after = at("2025-06-01T00:00:00Z");
    assert_eq!(months(&after), [built("2025-05")]);
    assert!(months(&after).is_empty());
}
