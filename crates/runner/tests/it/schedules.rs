//! Schedules of `up`, with a clock that is set.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millstream_runner::Cancel;
use millstream_runner::live::{CATCH_UP_MAX, Schedules, UpRequest};
use millstream_store::{RunStatus, Tick, TickState};

use crate::scene::{Scene, one_model};
use crate::world::World;

#[test]
fn missed_times_are_caught_up_as_each_schedule_says() {
    let schedules = "
schedules:
  - {name: all, cron: '0 * * * *', command: run, catch_up: all}
  - {name: last, cron: '0 * * * *', command: run}
  - {name: none, cron: '0 * * * *', command: run, catch_up: none}
";
    let scene = Scene::new(one_model(), schedules);
    assert!(scene.round("01T00:30:00").is_empty(), "what was before the first look was not missed");
    let mut told = scene.round("01T03:30:00");
    told.sort();
    assert_eq!(
        told,
        [
            "all 01T01:00 attempt 1 ok",
            "all 01T02:00 attempt 1 ok",
            "all 01T03:00 attempt 1 ok",
            "last 01T03:00 attempt 1 ok",
            "last passed over 2",
            "none passed over 3",
        ]
    );
    assert!(scene.round("01T03:59:59").is_empty(), "once is enough");
    let mut told = scene.round("01T04:00:00");
    told.sort();
    assert_eq!(
        told,
        ["all 01T04:00 attempt 1 ok", "last 01T04:00 attempt 1 ok", "none 01T04:00 attempt 1 ok"],
        "on time, all are the same"
    );
    assert_eq!(scene.runs("all").len(), 4);
}

#[test]
fn a_failed_run_is_tried_again_as_often_as_the_schedule_says() {
    let world = World::new();
    world.write("models/a.sql", "{{ config(materialized='table') }} select 1 / (select count(*) from main.gate) as id");
    world.write("models/gate.sql", "{{ config(materialized='table') }} select 1 as x limit 0");
    let schedules =
        "schedules: [{name: s, cron: '0 12 * * *', command: run, select: a, retries: 2, retry_delay: 1 minute}]";
    let scene = Scene::new(world, schedules);
    let gate = |sql: &str| {
        let options = millstream_core::warehouse::QueryOptions::default();
        scene.world.runtime.block_on(scene.runner.warehouse.execute(sql, &options)).unwrap();
    };
    gate("create table main.gate (x int)");
    assert!(scene.round("01T11:00:00").is_empty());
    assert_eq!(scene.round("01T12:00:00"), ["s 01T12:00 attempt 1 failed, again later"]);
    assert!(scene.round("01T12:00:20").is_empty(), "not before half of the pause");
    assert_eq!(scene.round("01T12:01:00"), ["s 01T12:00 attempt 2 failed, again later"]);
    let open = scene.runner.store.open_ticks().unwrap().remove(0);
    let pause = (open.next_try - "2025-06-01T12:01:00Z".parse::<DateTime<Utc>>().unwrap()).num_seconds();
    assert!((60..=120).contains(&pause), "the second pause is twice as long: {pause}");
    assert_eq!(scene.round("01T12:03:00"), ["s 01T12:00 attempt 3 failed"]);
    assert!(scene.runner.store.open_ticks().unwrap().is_empty());
    gate("insert into main.gate values (1)");
    assert!(scene.round("01T13:00:00").is_empty(), "no attempt is left");
    assert_eq!(scene.round("02T12:00:00"), ["s 02T12:00 attempt 1 ok"]);
    let failed = (RunStatus::Failed, RunStatus::Success);
    assert_eq!(scene.runs("s"), [(1, failed.0), (2, failed.0), (3, failed.0), (1, failed.1)]);
}

#[test]
fn a_run_that_died_counts_as_an_attempt_and_is_made_again() {
    let scene = Scene::new(one_model(), "schedules: [{name: s, cron: '0 12 * * *', command: run, retries: 1}]");
    scene.round("01T11:00:00");
    let due: DateTime<Utc> = "2025-06-01T12:00:00Z".parse().unwrap();
    scene.runner.store.plan_ticks("s", due, &[(due, TickState::Waiting)]).unwrap();
    let died = Tick { state: TickState::Running, attempts: 1, ..scene.runner.store.open_ticks().unwrap().remove(0) };
    scene.runner.store.update_tick(&died).unwrap();
    assert_eq!(scene.round("01T12:05:00"), ["s 01T12:00 attempt 1 failed, again later", "s 01T12:00 attempt 2 ok"]);
}

#[test]
fn a_paused_schedule_lets_its_times_pass() {
    let scene = Scene::new(one_model(), "schedules: [{name: s, cron: '0 * * * *', command: run, paused: true}]");
    scene.round("01T00:30:00");
    assert!(scene.round("01T02:30:00").is_empty());
    scene.runner.store.pause_schedule("s", false).unwrap();
    assert!(scene.round("01T02:40:00").is_empty(), "what passed while it was paused was not missed");
    assert_eq!(scene.round("01T03:00:00"), ["s 01T03:00 attempt 1 ok"]);
    scene.runner.store.pause_schedule("s", true).unwrap();
    assert!(scene.round("01T04:00:00").is_empty());
}

#[test]
fn a_run_that_takes_too_long_is_ended() {
    let world = World::new();
    let slow = "select count(*) as n from generate_series(1, 4000000000)";
    world.write("models/a.sql", &format!("{{{{ config(materialized='table') }}}} {slow}"));
    let scene = Scene::new(world, "schedules: [{name: s, cron: '0 * * * *', command: run, timeout: 200ms}]");
    scene.round("01T00:30:00");
    assert_eq!(scene.round("01T01:00:00"), ["s 01T01:00 attempt 1 failed"]);
    assert_eq!(scene.runs("s"), [(1, RunStatus::Failed)]);
    let run = scene.run("s");
    assert_eq!(run.message.as_deref(), Some("it took longer than 200ms"));
    assert_eq!(scene.runner.store.ticks("s", 1).unwrap()[0].invocation_id, Some(run.invocation_id));
}

#[test]
fn a_schedule_that_names_nothing_is_told_before_anything_runs() {
    let scene = Scene::new(one_model(), "schedules: [{name: s, cron: '0 * * * *', command: run, select: nowhere}]");
    let error = scene.world.runtime.block_on(scene.runner.up_once(&scene.request)).unwrap_err();
    assert!(error.to_string().contains("schedule 's' matches nothing"), "{error}");
}

fn at(time: &str) -> DateTime<Utc> {
    format!("2025-06-{time}Z").parse().unwrap()
}

/// Sets the clock of a scene whose `up` lives.
fn set(scene: &Scene, time: &str) {
    *scene.clock.0.lock().unwrap() = at(time);
}

/// An `up` that lives while the test looks at it.
fn while_up(scene: &Scene, look: impl AsyncFnOnce()) {
    let cancel = Cancel::default();
    let request = UpRequest { cancel: cancel.clone(), ..scene.request.clone() };
    let runner = scene.runner.clone();
    scene.world.runtime.block_on(async {
        let up = tokio::spawn(async move { runner.prepare_up(&request)?.run().await });
        look().await;
        cancel.cancel();
        up.await.unwrap().unwrap();
    });
}

/// Waits until something is so, for a while that a machine with much to do needs.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Leaves a time of a schedule as a process that died at work on it.
fn die(scene: &Scene, due: &str, attempts: u32) {
    let (store, due) = (&scene.runner.store, at(due));
    store.plan_ticks("s", due, &[(due, TickState::Waiting)]).unwrap();
    let tick = store.open_ticks().unwrap().remove(0);
    let id = Some(format!("died-{attempts}"));
    store.update_tick(&Tick { state: TickState::Running, attempts, invocation_id: id, ..tick }).unwrap();
}

#[test]
fn one_attempt_beyond_the_last_is_made_when_the_process_died_and_no_more() {
    let scene = Scene::new(one_model(), "schedules: [{name: s, cron: '0 12 * * *', command: run}]");
    scene.round("01T11:00:00");
    die(&scene, "01T12:00:00", 1);
    assert_eq!(
        scene.round("01T12:05:00"),
        ["s 01T12:00 attempt 1 failed, again later", "s 01T12:00 attempt 2 ok"],
        "a kill loses no run, though there are no retries"
    );
    assert_eq!(scene.runs("s"), [(1, RunStatus::Interrupted), (2, RunStatus::Success)]);
    die(&scene, "02T12:00:00", 2);
    assert_eq!(scene.round("02T12:05:00"), ["s 02T12:00 attempt 2 failed"]);
    assert_eq!(scene.runner.store.ticks("s", 1).unwrap()[0].state, TickState::Failed);
    assert!(scene.round("02T13:00:00").is_empty());
}

#[test]
fn an_attempt_that_died_is_made_again_after_a_pause() {
    let scene = Scene::new(one_model(), "schedules: [{name: s, cron: '0 12 * * *', command: run}]");
    scene.round("01T11:00:00");
    die(&scene, "01T12:00:00", 1);
    set(&scene, "01T12:05:00");
    while_up(&scene, async || {
        until("it is told", || !scene.lines.0.lock().unwrap().is_empty()).await;
    });
    let told = std::mem::take(&mut *scene.lines.0.lock().unwrap());
    assert_eq!(told, ["s 01T12:00 attempt 1 failed, again later"]);
    let waits = scene.runner.store.open_ticks().unwrap().remove(0);
    let pause = (waits.next_try - at("01T12:05:00")).num_seconds();
    assert!((15..=30).contains(&pause), "{pause}");
}

#[test]
fn a_store_that_fails_for_a_while_holds_a_schedule_for_no_longer() {
    let scene = Scene::new(one_model(), "schedules: [{name: s, cron: '0 12 * * *', command: run}]");
    scene.round("01T11:00:00");
    let store = rusqlite::Connection::open(scene.runner.store.path()).unwrap();
    store.busy_timeout(Duration::from_secs(30)).unwrap();
    let failing = "create trigger failing before update on ticks begin select raise(fail, 'not now'); end";
    store.execute_batch(failing).unwrap();
    while_up(&scene, async || {
        set(&scene, "01T12:00:00");
        until("it cannot begin", || scene.lines.0.lock().unwrap().iter().any(|line| line.contains("not now"))).await;
        store.execute_batch("drop trigger failing").unwrap();
        until("it is run", || scene.runs("s").iter().any(|(_, status)| *status == RunStatus::Success)).await;
    });
}

#[test]
fn schedules_take_turns_when_one_has_much_to_catch_up() {
    let schedules = "
at_once: 1
schedules:
  - {name: all, cron: '0 * * * *', command: run, catch_up: all}
  - {name: daily, cron: '0 12 * * *', command: run}
";
    let scene = Scene::new(one_model(), schedules);
    scene.round("01T08:30:00");
    let told = scene.round("01T12:10:00");
    assert_eq!(
        told,
        [
            "all 01T09:00 attempt 1 ok",
            "daily 01T12:00 attempt 1 ok",
            "all 01T10:00 attempt 1 ok",
            "all 01T11:00 attempt 1 ok",
            "all 01T12:00 attempt 1 ok",
        ]
    );
}

#[test]
fn no_more_times_of_a_schedule_wait_than_are_caught_up() {
    let scene = Scene::new(one_model(), "schedules: [{name: s, cron: '* * * * *', command: ingest, catch_up: all}]");
    scene.round("01T00:00:00");
    let store = &scene.runner.store;
    let first = at("01T00:00:00");
    let times: Vec<_> = (1..=CATCH_UP_MAX as i64)
        .map(|minute| (first + chrono::TimeDelta::minutes(minute), TickState::Waiting))
        .collect();
    let last = times[times.len() - 1].0;
    store.plan_ticks("s", last, &times).unwrap();
    let told = scene.round("01T16:41:00");
    assert_eq!(told[0], "s passed over 1");
    assert_eq!(told.len(), 1 + CATCH_UP_MAX);
    assert_eq!(told[1], "s 01T00:02 attempt 1 ok", "the oldest");
}

#[test]
fn another_pattern_begins_anew() {
    let schedule = |cron: &str| format!("schedules: [{{name: s, cron: '{cron}', command: run, catch_up: all}}]");
    let mut scene = Scene::new(one_model(), &schedule("0 0 1 * *"));
    scene.round("01T00:30:00");
    scene.request.schedules = Schedules::parse(&schedule("0 * * * *")).unwrap();
    assert!(scene.round("05T00:30:00").is_empty(), "none of these times was scheduled");
    assert_eq!(scene.round("05T01:00:00"), ["s 05T01:00 attempt 1 ok"]);
}

#[test]
fn a_clock_that_was_ahead_holds_a_schedule_no_longer() {
    let scene = Scene::new(one_model(), "schedules: [{name: s, cron: '0 * * * *', command: run}]");
    scene.round("01T00:30:00");
    assert_eq!(scene.round("02T00:00:00"), ["s passed over 23", "s 02T00:00 attempt 1 ok"]);
    assert!(scene.round("01T00:40:00").is_empty());
    assert_eq!(scene.round("01T01:00:00"), ["s 01T01:00 attempt 1 ok"]);
    assert_eq!(scene.round("01T23:00:00"), ["s passed over 21", "s 01T23:00 attempt 1 ok"]);
    assert!(scene.round("02T00:00:00").is_empty(), "that one was run");
    assert_eq!(scene.round("02T01:00:00"), ["s 02T01:00 attempt 1 ok"]);
}

#[test]
fn what_waits_when_a_schedule_is_paused_is_passed_over() {
    let scene = Scene::new(one_model(), "schedules: [{name: s, cron: '0 12 * * *', command: run, retries: 5}]");
    scene.round("01T11:00:00");
    die(&scene, "01T12:00:00", 1);
    scene.runner.store.pause_schedule("s", true).unwrap();
    assert_eq!(
        scene.round("01T12:05:00"),
        ["s 01T12:00 attempt 1 failed, again later", "s passed over 1"],
        "what was at work when it was paused is not made again either"
    );
    scene.runner.store.pause_schedule("s", false).unwrap();
    assert!(scene.round("01T13:00:00").is_empty());
}

#[test]
fn the_time_that_a_run_may_take_begins_when_it_works() {
    let scene = Scene::new(one_model(), "schedules: [{name: s, cron: '0 * * * *', command: build, timeout: 3s}]");
    scene.round("01T00:30:00");
    let path = scene.runner.workspace.join("lock");
    let held = std::fs::File::options().create(true).truncate(false).write(true).open(path).unwrap();
    held.lock().unwrap();
    let holder = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(4));
        drop(held);
    });
    assert_eq!(scene.round("01T01:00:00"), ["s 01T01:00 attempt 1 ok"]);
    holder.join().unwrap();
}

#[test]
fn an_attempt_that_cannot_begin_leaves_a_run() {
    let scene = Scene::new(one_model(), "schedules: [{name: s, cron: '0 * * * *', command: build}]");
    scene.round("01T00:30:00");
    let lock = scene.runner.workspace.join("lock");
    drop(std::fs::remove_file(&lock));
    std::fs::create_dir_all(lock).unwrap();
    assert_eq!(scene.round("01T01:00:00"), ["s 01T01:00 attempt 1 failed"]);
    let run = scene.run("s");
    assert_eq!((run.command.as_str(), run.attempt, run.status), ("build", 1, RunStatus::Failed));
    assert!(run.message.as_deref().unwrap_or_default().contains("lock file"), "{:?}", run.message);
    assert_eq!(scene.runner.store.ticks("s", 1).unwrap()[0].invocation_id, Some(run.invocation_id));
}

/// Two file sources and a topic.
fn sources() -> World {
    let world = one_model();
    let table = |name: &str, meta: &str| {
        format!(
            "{{name: {name}, freshness: {{warn_after: {{count: 1, period: day}}}}, \
             config: {{meta: {{millstream: {meta}}}}}, columns: [{{name: id, data_type: integer}}]}}"
        )
    };
    let tables = [
        table("f", "{connector: file, path: 'in/f*.csv'}"),
        table("g", "{connector: file, path: 'in/g*.csv'}"),
        table("t", "{connector: kafka, brokers: 'localhost:1', topic: t}"),
    ];
    world.write("models/s.yml", &format!("sources: [{{name: raw, schema: raw, tables: [{}]}}]", tables.join(", ")));
    world.write("in/f.csv", "id\n1\n");
    world
}

fn schedule(command: &str) -> String {
    format!("schedules: [{{name: s, cron: '0 * * * *', command: {command}}}]")
}

#[test]
fn freshness_leaves_a_run_with_what_each_source_had() {
    let mut scene = Scene::new(sources(), &schedule("source freshness, select: 'source:raw.f'"));
    scene.request.sources = vec!["f".into()];
    scene.round("01T00:30:00");
    assert_eq!(scene.round("01T01:00:00"), ["s 01T01:00 attempt 1 ok"]);
    let run = scene.run("s");
    assert_eq!((run.command.as_str(), run.status), ("source freshness", RunStatus::Success));
    assert_eq!(run.message.as_deref(), Some("1 source asked"));
    let nodes = scene.runner.store.nodes(&run.invocation_id).unwrap();
    assert_eq!((nodes[0].unique_id.as_str(), nodes[0].status.as_str()), ("source.shop.raw.f", "pass"));
}

#[test]
fn an_ingest_passes_over_topics() {
    let mut scene = Scene::new(sources(), &schedule("ingest, select: [f, t]"));
    scene.request.sources = vec!["g".into()];
    scene.round("01T00:30:00");
    assert_eq!(scene.round("01T01:00:00"), ["s 01T01:00 attempt 1 ok"]);
    assert_eq!(scene.world.query("select id from raw.f"), "1\n");
    scene.request.schedules = Schedules::parse(&schedule("ingest, select: t")).unwrap();
    let error = scene.world.runtime.block_on(scene.runner.up_once(&scene.request)).unwrap_err().to_string();
    assert!(error.contains("schedule 's' names topics only"), "{error}");
}

#[test]
fn an_ingest_without_files_has_nothing_to_do() {
    let scene = Scene::new(one_model(), &schedule("ingest"));
    scene.round("01T00:30:00");
    assert_eq!(scene.round("01T01:00:00"), ["s 01T01:00 attempt 1 ok"]);
    let run = scene.run("s");
    assert_eq!(run.message.as_deref(), Some("there is no file source to load; topics are followed anyway"));
}
