//! Opening a store: new, old, newer, damaged, shared.

use std::sync::Arc;

use millstream_core::{Kind, Ledger};
use millstream_store::{SCHEMA_VERSION, Store};

use crate::{file_entry, store};

#[test]
fn a_file_is_found_again_with_what_was_in_it() {
    let (folder, first) = store();
    first.record(&file_entry("a.csv", "aa")).unwrap();
    drop(first);
    let again = Store::open(&folder.path().join("workspace/state.db")).unwrap();
    assert_eq!(again.entries().unwrap().len(), 1);
}

#[test]
fn a_file_that_is_not_a_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let text = "this is a letter, and it is long enough to be taken for a header. ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.what().contains("is not a SQLite database"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_damaged_file_is_told_as_such() {
    let (folder, first) = store();
    for index in 0..500 {
        first.record(&file_entry(&format!("data/incoming/{index}.csv"), "aa")).unwrap();
    }
    drop(first);
    let path = folder.path().join("workspace/state.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let length = bytes.len();
    assert!(length > 16 * 4096, "the log was written back on close");
    bytes[4096..length].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let error = Store::open(&path).and_then(|store| store.entries()).unwrap_err();
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.what().contains("is damaged"), "{error}");
}

#[test]
fn a_file_of_a_newer_program_is_refused_and_left_alone() {
    let (folder, first) = store();
    drop(first);
    let path = folder.path().join("workspace/state.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(error.what().contains("written by a newer Millstream"), "{error}");
    let version: i64 = raw.query_row("pragma user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, SCHEMA_VERSION + 1);
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("create table songs (title text)").unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(error.what().contains("database of another program"), "{error}");
}

#[test]
fn many_may_open_a_new_file_at_once_and_read_while_one_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = Arc::new(folder.path().join("state.db"));
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let path = Arc::clone(&path);
            std::thread::spawn(move || {
                let store = Store::open(&path).unwrap();
                for index in 0..25 {
                    store.record(&file_entry(&format!("{worker}/{index}.csv"), "aa")).unwrap();
                    assert!(!store.entries().unwrap().is_empty());
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    assert_eq!(Store::open(&path).unwrap().entries().unwrap().len(), 200);
}
