//! `kill -9` at 50 moments of ingest and build. After the kills one more run ends in the tables of an undisturbed run.
//!
//! The moments come from a seed and are spread over the whole length of each command, measured beforehand. After every
//! tenth kill the work is completed and every table compared, row by row.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{BrokerProcess, Scene, copy, program};

const KILLS: usize = 50;
const KILLS_BETWEEN_CHECKS: usize = 10;
const SEED: u64 = 20_260_101;

/// A small generator of our own, so that the moments are the same everywhere (xorshift).
struct Moments(u64);

impl Moments {
    /// A share between 0 and 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A scene like another one was at its start.
fn like(template: &Scene) -> Scene {
    let scene = Scene::empty();
    copy(template.path(), scene.path());
    scene
}

fn ingest(brokers: &str) -> Vec<String> {
    ["ingest", "--brokers", brokers].map(str::to_owned).to_vec()
}

fn build() -> Vec<String> {
    vec!["build".to_owned()]
}

fn complete(scene: &Scene, arguments: &[String]) -> Duration {
    let began = Instant::now();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    scene.must(&arguments);
    began.elapsed()
}

/// Starts a command and kills it after `moment`; whether it was still running then.
fn kill_after(folder: &Path, arguments: &[String], moment: Duration) -> bool {
    let mut child = program(folder).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(moment);
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

/// Every table with its rows, sorted.
fn tables(scene: &Scene) -> BTreeMap<String, Vec<String>> {
    let listed = "select table_schema || '.' || table_name from information_schema.tables \
        where table_schema in ('raw', 'quarantine', 'seeds', 'intermediate', 'snapshots', 'marts') order by 1";
    let names = scene.rows(listed);
    assert!(names.len() > 15, "{names:?}");
    let rows = |name: &String| {
        let text = scene.must(&["query", &format!("select * from {name}"), "--format", "csv"]).stdout;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[1..].sort();
        lines
    };
    names.iter().map(|row| (row[0].clone(), rows(&row[0]))).collect()
}

fn ledger(scene: &Scene) -> Vec<String> {
    let text = scene.must(&["ledger", "--format", "jsonl"]).stdout;
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            ["unit", "outcome", "rows_in", "rows_loaded", "rows_quarantined"].map(|key| line[key].to_string()).join(" ")
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn killed_anywhere_the_next_run_ends_in_the_same_tables() {
    let broker = BrokerProcess::start("transactions:3");
    broker.send_fixture();
    let template = Scene::finance_with_months();
    let undisturbed = like(&template);
    let took = (complete(&undisturbed, &ingest(&broker.address)), complete(&undisturbed, &build()));
    let (expected, expected_ledger) = (tables(&undisturbed), ledger(&undisturbed));

    let mut moments = Moments(SEED);
    let mut hit = 0;
    let mut scene = like(&template);
    for kill in 1..=KILLS {
        // The first kills of a round hit the ingest, the later ones the build of what an ingest has completed.
        let in_round = (kill - 1) % KILLS_BETWEEN_CHECKS;
        let (arguments, length) = if in_round < 4 { (ingest(&broker.address), took.0) } else { (build(), took.1) };
        if in_round == 4 {
            complete(&scene, &ingest(&broker.address));
        }
        if kill_after(scene.path(), &arguments, length.mul_f64(moments.next())) {
            hit += 1;
        }
        if kill % KILLS_BETWEEN_CHECKS == 0 {
            complete(&scene, &ingest(&broker.address));
            complete(&scene, &build());
            let found = tables(&scene);
            for (table, rows) in &expected {
                assert_eq!(found.get(table), Some(rows), "{table} differs after kill {kill}");
            }
            assert_eq!(found.len(), expected.len());
            assert_eq!(ledger(&scene), expected_ledger, "the ledger differs after kill {kill}");
            scene = like(&template);
        }
    }
    assert!(hit * 10 >= KILLS * 6, "only {hit} of {KILLS} kills hit a running process; the moments are too late");
}
