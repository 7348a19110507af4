//! A writer is killed with SIGKILL at random moments; what it had acknowledged must be there.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use millstream_core::Ledger;
use millstream_store::Store;

use crate::file_entry;

const ROLE: &str = "MILLSTREAM_STORE_TEST_WRITER";

/// Not a test of its own: the child of the test below, which runs this very binary with the variable set.
#[test]
fn writer_process() {
    let Ok(path) = std::env::var(ROLE) else { return };
    let store = Store::open(Path::new(&path)).unwrap();
    let first = store.entries().unwrap().len();
    for index in first.. {
        store.record(&file_entry(&format!("{index:06}.csv"), "aa")).unwrap();
        println!("\nacknowledged {index}");
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let mut acknowledged = 0;
    for round in 0..10_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::writer_process", "--nocapture"])
            .env(ROLE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<usize>().ok()).last()
        });
        std::thread::sleep(Duration::from_millis(60 + round * 7));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Some(last) = reader.join().unwrap() {
            acknowledged = last + 1;
        }
        let entries = Store::open(&path).unwrap().entries().unwrap();
        assert!(entries.len() >= acknowledged, "{} of {acknowledged} are left", entries.len());
        for (index, entry) in entries.iter().enumerate() {
            assert_eq!(entry.unit, format!("{index:06}.csv"));
        }
    }
    assert!(acknowledged > 100, "the writers got to write: {acknowledged}");
}
