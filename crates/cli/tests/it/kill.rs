//! `kill -9` at 50 moments of ingest and build. After each of them one more run ends in the tables of an undisturbed run.
//!
//! The moments come from a seed and are spread over the whole length of each command, measured beforehand. After every
//! kill the work is completed by one more run, and every table is compared row by row.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{BrokerProcess, Scene, copy_whole, program};

const KILLS: usize = 50;
/// Scenes that are killed beside each other.
const ROUNDS_AT_ONCE: usize = 2;
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

/// A scene in the state of another one.
fn like(template: &Scene) -> Scene {
    let scene = Scene::empty();
    copy_whole(template.path(), scene.path());
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

/// What an undisturbed run ends in, and the states from which rounds start.
struct Undisturbed {
    /// Nothing ingested.
    fresh: Scene,
    /// Everything ingested, nothing built.
    ingested: Scene,
    /// Files and messages in.
    ingest: Vec<String>,
    ingest_took: Duration,
    build_took: Duration,
    tables: BTreeMap<String, Vec<String>>,
    ledger: Vec<String>,
}

impl Undisturbed {
    fn run(brokers: &str) -> Self {
        let fresh = Scene::finance_with_months();
        let ingested = like(&fresh);
        let ingest = ingest(brokers);
        let ingest_took = complete(&ingested, &ingest);
        let built = like(&ingested);
        let build_took = complete(&built, &build());
        let (tables, ledger) = (tables(&built), ledger(&built));
        Self { fresh, ingested, ingest, ingest_took, build_took, tables, ledger }
    }

    /// One kill, one more run, and every table compared. Whether the kill hit a running process.
    fn round(&self, kill: usize, moment: f64) -> bool {
        // Two of five kills hit the ingest, the others the build of what an ingest has completed.
        let ingesting = kill % 5 < 2;
        let (start, arguments, length) = match ingesting {
            true => (&self.fresh, self.ingest.clone(), self.ingest_took),
            false => (&self.ingested, build(), self.build_took),
        };
        let scene = like(start);
        let hit = kill_after(scene.path(), &arguments, length.mul_f64(moment));
        if ingesting {
            complete(&scene, &self.ingest);
        }
        complete(&scene, &build());
        let found = tables(&scene);
        for (table, rows) in &self.tables {
            assert_eq!(found.get(table), Some(rows), "{table} differs after kill {kill}");
        }
        assert_eq!(found.len(), self.tables.len());
        assert_eq!(ledger(&scene), self.ledger, "the ledger differs after kill {kill}");
        hit
    }
}

#[test]
fn killed_anywhere_the_next_run_ends_in_the_same_tables() {
    let broker = BrokerProcess::start("transactions:3");
    broker.send_fixture();
    let undisturbed = Undisturbed::run(&broker.address);
    let mut moments = Moments(SEED);
    let moments: Vec<(usize, f64)> = (1..=KILLS).map(|kill| (kill, moments.next())).collect();
    let hit = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for share in moments.chunks(KILLS.div_ceil(ROUNDS_AT_ONCE)) {
            let (undisturbed, hit) = (&undisturbed, &hit);
            scope.spawn(move || {
                for (kill, moment) in share {
                    hit.fetch_add(usize::from(undisturbed.round(*kill, *moment)), Ordering::Relaxed);
                }
            });
        }
    });
    let hit = hit.into_inner();
    assert!(hit * 10 >= KILLS * 6, "only {hit} of {KILLS} kills hit a running process; the moments are too late");
}
