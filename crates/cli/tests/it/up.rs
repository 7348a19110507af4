//! `millstream up`, as somebody runs it: a process in the background, and other commands beside it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::{BrokerProcess, Scene, program};

/// How long anything here may take. Machines that build beside it are slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// An `up` in the background, killed at the end if it did not end by itself.
struct Up {
    child: Child,
    said: Arc<Mutex<String>>,
    address: String,
}

impl Up {
    fn start(scene: &Scene, more: &[&str]) -> Self {
        let mut child = program(scene.path())
            .args(["up", "--listen", "127.0.0.1:0", "--poll-ms", "200", "--flush-ms", "50"])
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said: Arc<Mutex<String>> = Arc::default();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                heard.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let mut up = Self { child, said, address: String::new() };
        until("it listens", &up.said, || {
            let said = up.said.lock().unwrap();
            said.split_once("listening on http://").and_then(|(_, rest)| rest.split_once('\n')).is_some()
        });
        let said = up.said();
        up.address = said.split_once("listening on http://").unwrap().1.lines().next().unwrap().to_owned();
        up
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn until(&self, what: &str, is_so: impl FnMut() -> bool) {
        until(what, &self.said, is_so);
    }

    /// The answer to a GET: status and body.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The value of a metric, by its name and labels.
    fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics").1;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().parse().unwrap())
    }

    /// Sends SIGTERM and waits for the end.
    fn end(mut self) -> String {
        signal(&self.child, "TERM");
        let asked = Instant::now();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.said());
        assert!(asked.elapsed() < PATIENCE);
        self.said()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status().unwrap();
    assert!(sent.success());
}

fn until(what: &str, said: &Mutex<String>, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come to be\n{}", said.lock().unwrap());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A topic and a folder, dynamic tables over both, and a plain table between.
fn scene(brokers: &str) -> Scene {
    let scene = Scene::empty();
    scene.write(
        "dbt_project.yml",
        "name: live\nversion: '1.0'\nconfig-version: 2\nprofile: live\nmodels: {live: {+materialized: view}}\n",
    );
    scene.write(
        "profiles.yml",
        "live: {target: dev, outputs: {dev: {type: millstream, path: workspace, schema: main, threads: 2}}}\n",
    );
    let column = |name: &str, kind: &str| {
        format!(
            "          - {{name: {name}, data_type: {kind}, config: {{meta: {{millstream: {{required: true}}}}}}}}\n"
        )
    };
    let columns = format!("        columns:\n{}{}", column("id", "integer"), column("amount", "'decimal(18,2)'"));
    scene.write(
        "models/sources.yml",
        format!(
            "version: 2\nsources:\n  - name: raw\n    schema: raw\n    tables:\n      - name: payments\n        config: \
             {{meta: {{millstream: {{connector: kafka, brokers: '{brokers}', topic: payments}}}}}}\n{columns}      - \
             name: orders\n        config: {{meta: {{millstream: {{connector: file, path: 'data/incoming/orders_*.csv', \
             max_error_share: 0.2}}}}}}\n{columns}"
        ),
    );
    // The folder is there, as `init` makes it.
    scene.write("data/incoming/.gitkeep", "");
    scene.write("models/stg_all.sql", "select id, amount from {{ source('raw', 'payments') }} union all select id, amount from {{ source('raw', 'orders') }}\n");
    scene.write(
        "models/fct.sql",
        "{{ config(materialized='dynamic_table', target_lag='1 second', snowflake_warehouse='x') }}\nselect id, max(amount) as amount from {{ ref('stg_all') }} group by id\n",
    );
    scene.write(
        "models/between.sql",
        "{{ config(materialized='table') }}\nselect id % 10 as bucket, amount from {{ ref('fct') }}\n",
    );
    scene.write(
        "models/totals.sql",
        "{{ config(materialized='dynamic_table', target_lag='1 second', snowflake_warehouse='x') }}\nselect bucket, count(*) as n, sum(amount) as amount from {{ ref('between') }} group by bucket\n",
    );
    scene.write(
        "models/models.yml",
        "version: 2\nmodels:\n  - name: fct\n    columns:\n      - {name: id, data_tests: [unique, not_null]}\n",
    );
    scene
}

fn send(broker: &BrokerProcess, ids: std::ops::Range<u32>) {
    let payloads: Vec<String> = ids.map(|id| format!("{{\"id\": {id}, \"amount\": {id}.50}}")).collect();
    let messages: Vec<(Option<&str>, Option<&[u8]>)> =
        payloads.iter().map(|payload| (None, Some(payload.as_bytes()))).collect();
    broker.send("payments", 2, &messages);
}

/// The one value of a query, if it can be asked.
fn value(scene: &Scene, sql: &str) -> String {
    let ran = scene.run(&["query", sql, "--format", "csv"]);
    ran.stdout.lines().nth(1).unwrap_or_default().to_owned()
}

#[test]
fn messages_reach_the_marts_and_a_signal_ends_it_cleanly() {
    let broker = BrokerProcess::start("payments:2");
    let scene = scene(&broker.address);
    send(&broker, 0..100);
    let up = Up::start(&scene, &[]);
    up.until("the first messages are in the mart", || value(&scene, "select sum(n) from totals") == "100");
    up.until("it is ready", || up.get("/readyz").0 == 200);
    assert_eq!(up.get("/healthz").0, 200);
    // Duplicates, and what is no payment.
    send(&broker, 50..250);
    broker.send("payments", 2, &[(None, Some(b"{\"id\": \"x\"}")), (None, Some(b"no json"))]);
    up.until("the next are", || value(&scene, "select sum(n) from totals") == "250");
    up.until("all are accounted for", || {
        up.metric("millstream_source_rows_total{source=\"raw.payments\",outcome=\"quarantined\"}") == Some(2.0)
    });
    assert_eq!(value(&scene, "select sum(amount) from totals"), "31250.00");
    assert_eq!(up.metric("millstream_source_rows_total{source=\"raw.payments\",outcome=\"loaded\"}"), Some(300.0));
    assert_eq!(up.metric("millstream_lag_messages{source=\"raw.payments\",partition=\"0\"}"), Some(0.0));
    assert!(up.metric("millstream_model_freshness_seconds{model=\"totals\"}").unwrap() < 60.0);
    assert!(up.metric("millstream_source_commit_seconds_count{source=\"raw.payments\"}").unwrap() >= 2.0);
    assert!(up.metric("millstream_model_refresh_seconds_count{model=\"between\"}").unwrap() >= 2.0);
    assert!(up.metric("process_resident_memory_bytes").is_none_or(|bytes| bytes > 1e6));
    // Sent just before the end: read or left for the next, and never lost.
    send(&broker, 250..260);
    let said = up.end();
    assert!(said.contains("ending:"), "{said}");
    let ledger = scene.must(&["ledger"]);
    assert!(ledger.stderr.contains(" = "), "{}", ledger.told());
    scene.must(&["up", "--once", "--listen", "off"]);
    assert_eq!(value(&scene, "select sum(n) from totals"), "260");
    let runs = scene.must(&["runs", "--cause", "topic", "--format", "csv"]).stdout;
    assert!(runs.contains("topic payments") && !runs.contains(",running,"), "{runs}");
    let id = runs.lines().nth(1).unwrap().split(',').next().unwrap().to_owned();
    let shown = scene.must(&["runs", "show", &id[..10]]);
    assert!(shown.stdout.contains("source.raw.payments"), "{}", shown.told());
}

#[test]
fn files_are_picked_up_and_other_commands_work_beside_it() {
    let scene = scene("127.0.0.1:1");
    scene.write("data/incoming/orders_1.csv", "id,amount\n1,1.00\n2,2.00\n");
    let up = Up::start(&scene, &["orders"]);
    up.until("the first file is in the mart", || value(&scene, "select sum(n) from totals") == "2");
    scene.write("data/incoming/orders_2.csv", "id,amount\n2,2.00\n3,3.00\n");
    up.until("the second is", || value(&scene, "select sum(n) from totals") == "3");
    scene.write("data/incoming/orders_bad.csv", "id,total\n4,4.00\n");
    up.until("the broken one is refused", || up.said().contains("REFUSED"));
    assert_eq!(up.metric("millstream_source_files_refused_total{source=\"raw.orders\"}"), Some(1.0));

    let built = scene.must(&["build"]);
    assert!(built.stderr.contains("ERROR=0"), "{}", built.told());
    scene.must(&["run", "--select", "between"]);
    let ran = scene.run(&["ingest", "orders"]);
    assert_eq!(ran.code, 1, "the broken file is told here too: {}", ran.told());
    let second = scene.run(&["up", "--listen", "off"]);
    assert_eq!(second.code, 3, "{}", second.told());
    assert!(
        second.stderr.contains("millstream up is at work on") && second.stderr.contains(&up.child.id().to_string())
    );
    let unknown = scene.run(&["up", "nosuch", "--workspace", "elsewhere", "--listen", "127.0.0.1:0"]);
    assert!(unknown.code == 2 && !unknown.stderr.contains("listening"), "{}", unknown.told());
    let runs = scene.must(&["runs", "--format", "csv"]).stdout;
    for expected in [",file,", ",change,", ",start,", ",cli,"] {
        assert!(runs.contains(expected), "{expected} is missing in {runs}");
    }
    up.end();
    // Nothing holds the workspace any more.
    std::fs::remove_file(scene.path().join("data/incoming/orders_bad.csv")).unwrap();
    scene.must(&["up", "orders", "--once"]);
}

#[test]
fn half_a_file_is_told_and_loaded_when_it_is_whole() {
    let scene = scene("127.0.0.1:1");
    scene.write("data/incoming/orders_1.csv", "id,amount\n1,1.00\n2,2");
    let up = Up::start(&scene, &["orders"]);
    up.until("it is told that it waits", || up.said().contains("WAITS data/incoming/orders_1.csv does not end"));
    assert_eq!(value(&scene, "select count(*) from raw.orders"), "0");
    scene.write("data/incoming/orders_1.csv", "id,amount\n1,1.00\n2,2.00\n");
    up.until("the whole one is in the mart", || value(&scene, "select sum(n) from totals") == "2");
    assert_eq!(up.end().matches("WAITS").count(), 1, "it is told once");
}

#[test]
fn a_broker_that_is_away_is_waited_for() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let scene = scene(&address);
    let once = scene.run(&["up", "payments", "--once"]);
    assert_eq!(once.code, 3, "{}", once.told());
    let up = Up::start(&scene, &["payments"]);
    up.until("it says who is away", || {
        let (status, body) = up.get("/readyz");
        status == 503 && body.contains("raw.payments cannot be read")
    });
    let broker = BrokerProcess::start_at(&address, "payments:2");
    send(&broker, 0..20);
    up.until("messages are in the mart", || value(&scene, "select sum(n) from totals") == "20");
    up.until("it is ready", || up.get("/readyz").0 == 200);
    drop(broker);
    up.until("it sees that the broker has gone", || up.get("/readyz").0 == 503);
    assert_eq!(up.metric("millstream_source_up{source=\"raw.payments\",connector=\"kafka\"}"), Some(0.0));
    assert_eq!(value(&scene, "select sum(n) from totals"), "20", "what is there can be asked");
    up.end();
}

#[test]
fn a_memory_limit_that_cannot_be_kept_is_told() {
    let scene = scene("127.0.0.1:1");
    let small = scene.must(&["up", "orders", "--once", "--memory-limit", "1073741823B"]);
    assert!(small.stderr.contains("warning: the memory limit of 1023 MiB is less than"), "{}", small.told());
    let enough = scene.must(&["up", "orders", "--once", "--memory-limit", "1GiB"]);
    assert!(!enough.stderr.contains("memory limit"), "{}", enough.told());
}

#[test]
fn what_fails_a_test_is_held_back_until_it_passes() {
    let scene = scene("127.0.0.1:1");
    scene.write("data/incoming/orders_1.csv", "id,amount\n1,1.00\n");
    scene.write("tests/no_refunds.sql", "select * from {{ ref('fct') }} where amount < 0\n");
    scene.must(&["up", "orders", "--once"]);
    scene.write("data/incoming/orders_2.csv", "id,amount\n2,-2.00\n");
    let once = scene.run(&["up", "orders", "--once", "--log-format", "json"]);
    assert_eq!(once.code, 1, "{}", once.told());
    assert!(once.stderr.contains("no_refunds"), "{}", once.told());
    assert!(once.stderr.contains(r#""message":"up with 1 source"#), "the time has a field of its own: {}", once.told());
    assert_eq!(value(&scene, "select count(*) from fct"), "1", "the last good version");
    assert_eq!(value(&scene, "select count(*) from raw.orders"), "2", "and the row is not lost");
    // Another row makes the answer right again.
    let up = Up::start(&scene, &["orders"]);
    up.until("it is held", || up.said().contains("HELD"));
    assert_eq!(up.metric("millstream_model_failing{model=\"fct\"}"), Some(1.0));
    scene.write("data/incoming/orders_3.csv", "id,amount\n2,2.00\n");
    up.until("it is published", || value(&scene, "select sum(n) from totals") == "2");
    up.until("the metric says so", || up.metric("millstream_model_failing{model=\"fct\"}") == Some(0.0));
    up.end();
}

#[test]
fn schedules_are_listed_paused_and_resumed() {
    let scene = scene("127.0.0.1:1");
    let empty = scene.must(&["schedules"]);
    assert!(empty.stderr.contains("schedules.yml"), "{}", empty.told());
    scene.write(
        "schedules.yml",
        "schedules:\n  - {name: nightly, cron: '0 3 * * *', timezone: Europe/Berlin, command: build}\n",
    );
    let state = |column: usize| {
        let text = scene.must(&["schedules", "--format", "csv"]).stdout;
        text.lines().nth(1).unwrap().split(',').nth(column).unwrap().to_owned()
    };
    assert_eq!((state(0), state(5)), ("nightly".into(), "no".into()));
    assert!(state(6).contains("00:00"), "a next time: {}", state(6));
    scene.must(&["schedules", "pause", "nightly"]);
    assert_eq!((state(5), state(6)), ("yes".into(), String::new()));
    scene.must(&["schedules", "resume", "nightly"]);
    assert_eq!(state(5), "no");
    let unknown = scene.run(&["schedules", "pause", "hourly"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("there are: nightly"), "{}", unknown.told());
    scene.write("schedules.yml", "schedules: [{name: nightly, cron: 'at night', command: build}]\n");
    let wrong = scene.run(&["up", "--once"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("'at night' is no cron pattern"), "{}", wrong.told());
}

#[test]
fn what_somebody_else_changes_or_drops_is_put_right() {
    let scene = scene("127.0.0.1:1");
    scene.write("macros/sqlx.sql", "{% macro sqlx(q) %}{% do run_query(q) %}{% endmacro %}\n");
    let sql = |sql: &str| drop(scene.must(&["run-operation", "sqlx", "--args", &format!("{{q: \"{sql}\"}}")]));
    scene.write("data/incoming/orders_1.csv", "id,amount\n1,1.00\n");
    scene.write("data/incoming/orders_2.csv", "id,amount\n2,2.00\n");
    let up = Up::start(&scene, &["orders"]);
    up.until("both are in the marts", || value(&scene, "select sum(n) from totals") == "2");
    // Longer than it takes to look at what others have made.
    std::thread::sleep(Duration::from_secs(5));
    sql("delete from main.fct where id = 2");
    up.until("the row is back", || value(&scene, "select count(*) from fct") == "2");
    std::thread::sleep(Duration::from_secs(5));
    sql("drop table main.between");
    up.until("the table is back", || scene.run(&["query", "select count(*) from between"]).code == 0);
    assert_eq!(value(&scene, "select count(*) from between"), "2");
    // The files that came before are not to be lost beside those that come now.
    sql("drop table raw.orders");
    up.until("it is told", || up.said().contains("raw.orders was dropped"));
    scene.write("data/incoming/orders_3.csv", "id,amount\n3,3.00\n");
    up.until("all files are loaded", || {
        let count = scene.run(&["query", "select count(*) from raw.orders", "--format", "csv"]);
        count.code == 0 && count.stdout.ends_with("\n3\n")
    });
    up.until("all are in the marts", || value(&scene, "select sum(n) from totals") == "3");
    up.end();
    scene.must(&["verify"]);
}

#[test]
fn of_models_that_cannot_be_refreshed_explain_tells_beside_the_others() {
    let scene = scene("127.0.0.1:1");
    let sets = |mode: &str| {
        let config = "materialized='dynamic_table', target_lag='1 second', snowflake_warehouse='x'";
        let sql = "select id, count(*) as n from {{ source('raw', 'orders') }} group by grouping sets ((id), ())";
        scene.write("models/sets.sql", format!("{{{{ config({config}, refresh_mode='{mode}') }}}}\n{sql}\n"));
    };
    scene.write("data/incoming/orders_1.csv", "id,amount\n1,1.00\n");
    scene.must(&["ingest", "raw.orders"]);
    sets("incremental");
    let ran = scene.run(&["build"]);
    assert!(ran.code == 1 && ran.stderr.contains("several sets of columns"), "{}", ran.told());
    // A table that is there, of whatever mode, changes nothing.
    sets("auto");
    scene.must(&["build"]);
    sets("incremental");
    scene.write("data/incoming/orders_2.csv", "id,amount\n2,2.00\n");
    scene.must(&["ingest", "raw.orders"]);
    let ran = scene.run(&["explain", "--format", "csv"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    assert!(ran.stdout.contains("fct,next,") && ran.stdout.contains("totals,next,"), "{}", ran.told());
    let told = ["sets cannot be refreshed", "models/sets.sql", "several sets of columns"];
    assert!(told.iter().all(|told| ran.stderr.contains(told)), "{}", ran.told());
}

#[test]
fn a_query_that_never_looks_up_holds_up_nobody_else() {
    let scene = scene("127.0.0.1:1");
    for rest in [3, 4] {
        scene.write(
            &format!("models/endless_{rest}.sql"),
            format!(
                "{{{{ config(materialized='table') }}}}\nselect count(*) as n from generate_series(1, 200000) a \
                 join generate_series(1, 4000000) b on (a.value * b.value) % 7 = {rest}\n"
            ),
        );
    }
    scene.write(
        "schedules.yml",
        "schedules: [{name: endless, cron: '* * * * *', command: run, select: 'endless_*', timeout: 1s, \
         retries: 1, retry_delay: 1s}]\n",
    );
    let up = Up::start(&scene, &["orders", "--drain-timeout-ms", "1000"]);
    // The next minute may be a minute away.
    let deadline = Instant::now() + PATIENCE * 2;
    while up.said().matches("took longer than 1s").count() < 2 {
        assert!(Instant::now() < deadline, "{}", up.said());
        std::thread::sleep(Duration::from_millis(100));
    }
    // The queries of both attempts are still at it.
    assert_eq!(up.get("/healthz").0, 200);
    scene.write("data/incoming/orders_1.csv", "id,amount\n1,1.00\n");
    up.until("files are loaded all the same", || value(&scene, "select count(*) from raw.orders") == "1");
    up.end();
}

#[test]
fn a_backfill_goes_on_where_it_ended() {
    let scene = Scene::small();
    scene.write("seeds/moments.csv", "id,at\n1,2025-05-31\n2,2025-06-01\n3,2025-06-30\n4,2025-07-01\n");
    scene.write(
        "models/moments_at.sql",
        "{{ config(event_time='at') }}\nselect id, cast(at as timestamp) as at from {{ ref('moments') }}\n",
    );
    scene.write(
        "models/batched.sql",
        "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', batch_size='day', begin='2025-06-01') }}\nselect id, at, {{ var('mark', 1) }} as mark from {{ ref('moments_at') }}\n",
    );
    scene.must(&["build", "--event-time-start", "2025-06-01", "--event-time-end", "2025-06-02"]);
    let months = ["backfill", "--from", "2025-06", "--to", "2025-07", "--select", "batched"];
    let ran = scene.must(&[&months[..], &["--vars", "mark: 2"]].concat());
    assert!(ran.stderr.contains("2 intervals: 2 built, 0 done before, 0 failed"), "{}", ran.told());
    assert_eq!(scene.rows("select id, mark from batched order by id"), [["2", "2"], ["3", "2"], ["4", "2"]]);
    let ran = scene.must(&months);
    assert!(ran.stderr.contains("2 intervals: 0 built, 2 done before, 0 failed"), "{}", ran.told());
    let day = ["backfill", "--from", "2025-06-30", "--to", "2025-06-30", "--by", "day", "--again"];
    scene.must(&day);
    assert_eq!(scene.rows("select id, mark from batched order by id"), [["2", "2"], ["3", "1"], ["4", "2"]]);
    let runs = scene.must(&["runs", "--cause", "backfill", "--format", "csv"]).stdout;
    assert_eq!(runs.lines().count(), 4, "{runs}");
    let id = runs.lines().nth(1).unwrap().split(',').next().unwrap();
    let shown = scene.must(&["runs", "show", id, "--format", "json"]).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["run"]["invocation_id"], &shown["run"]["status"]), (&id.into(), &"success".into()));
    assert_eq!(shown["nodes"][0]["unique_id"].as_str().and_then(|node| node.rsplit('.').next()), Some("batched"));
    let line = scene.must(&["runs", "show", id, "--format", "jsonl"]).stdout;
    assert_eq!((line.lines().count(), line.contains("\"args\":{")), (1, true), "{line}");
    let wrong = scene.run(&["backfill", "--from", "2025-07", "--to", "2025-06"]);
    assert_eq!(wrong.code, 2, "{}", wrong.told());
}

#[test]
fn a_memory_limit_is_a_size() {
    let scene = Scene::empty();
    let ran = scene.run(&["--memory-limit", "lots", "query", "select 1"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("write 2GiB"), "{}", ran.told());
    let small = Scene::small();
    small.must(&["--memory-limit", "64MiB", "build"]);
}

#[test]
fn beside_a_busy_stream_builds_get_their_turn_and_kills_lose_nothing() {
    const BATCHES: u32 = 40;
    let broker = BrokerProcess::start("payments:2");
    let scene = scene(&broker.address);
    let mut up = Up::start(&scene, &["payments"]);
    std::thread::scope(|scope| {
        let broker = &broker;
        let sending = scope.spawn(move || {
            for batch in 0..BATCHES {
                // Every message comes twice, as from a producer that was not sure.
                send(broker, batch * 10..(batch + 1) * 10);
                send(broker, batch * 10..(batch + 1) * 10);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        up.until("something is in the mart", || !value(&scene, "select sum(n) from totals").is_empty());
        scene.must(&["build"]);
        for _ in 0..2 {
            up.child.kill().unwrap();
            up.child.wait().unwrap();
            up = Up::start(&scene, &["payments"]);
            std::thread::sleep(Duration::from_millis(700));
        }
        sending.join().unwrap();
    });
    let all = (BATCHES * 10).to_string();
    up.until("everything is in the mart", || value(&scene, "select sum(n) from totals") == all);
    let at_work = || scene.must(&["runs", "--status", "running", "--format", "jsonl"]).stdout;
    assert!(at_work().contains("topic payments"), "{}", at_work());
    up.child.kill().unwrap();
    up.child.wait().unwrap();
    assert_eq!(at_work(), "", "nobody does what a dead process did");
    scene.must(&["up", "payments", "--once"]);
    assert_eq!(value(&scene, "select sum(n) from totals"), all);
    let twice = (BATCHES * 20).to_string();
    assert_eq!(value(&scene, "select count(*) from raw.payments"), twice, "each message once, both of each two");
    let places = "select count(*) from (select distinct kafka_partition, kafka_offset from raw.payments)";
    assert_eq!(value(&scene, places), twice);
    let ledger = scene.must(&["ledger", "--format", "jsonl"]).stdout;
    let lines = ledger.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert_eq!(lines.map(|line| line["rows_in"].as_u64().unwrap()).sum::<u64>().to_string(), twice);
    let runs = scene.must(&["runs", "--cause", "topic", "--limit", "100", "--format", "csv"]).stdout;
    assert!(runs.contains(",interrupted,"), "{runs}");
}
