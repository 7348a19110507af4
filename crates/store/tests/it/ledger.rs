//! Ledger lines, written again and again.

use millstream_core::{Ledger, LedgerEntry, Outcome, UnitKind};

use crate::{at, file_entry, store};

#[test]
fn entries_come_back_as_they_were_oldest_first() {
    let (_folder, store) = store();
    let file = file_entry("data/incoming/a.csv", "aa");
    let offsets = LedgerEntry {
        kind: UnitKind::Offsets,
        unit: "transactions/0".into(),
        content_hash: None,
        offset_start: Some(0),
        offset_end: Some(500),
        reason: Some("retention".into()),
        outcome: Outcome::Gap,
        table_version: None,
        started_at: at(-5),
        ..file.clone()
    };
    store.record(&file).unwrap();
    store.record(&offsets).unwrap();
    assert_eq!(store.entries().unwrap(), [offsets, file]);
}

#[test]
fn a_line_with_the_same_key_is_overwritten_in_place() {
    let (_folder, store) = store();
    store.record(&file_entry("a.csv", "aa")).unwrap();
    store.record(&file_entry("b.csv", "bb")).unwrap();
    let repaired = LedgerEntry { table_version: Some(9), ..file_entry("a.csv", "aa") };
    store.record(&repaired).unwrap();
    store.record(&repaired).unwrap();
    assert_eq!(store.entries().unwrap(), [repaired, file_entry("b.csv", "bb")]);
}

#[test]
fn another_content_another_outcome_and_another_first_offset_are_lines_of_their_own() {
    let (_folder, store) = store();
    let first = file_entry("a.csv", "aa");
    let refused = LedgerEntry { outcome: Outcome::Refused, ..first.clone() };
    let changed = LedgerEntry { content_hash: Some("bb".into()), ..first.clone() };
    let offsets = |start| LedgerEntry {
        kind: UnitKind::Offsets,
        unit: "t/0".into(),
        content_hash: None,
        offset_start: Some(start),
        offset_end: Some(start + 10),
        ..first.clone()
    };
    for entry in [first.clone(), refused, changed, offsets(0), offsets(10), offsets(10)] {
        store.record(&entry).unwrap();
    }
    assert_eq!(store.entries().unwrap().len(), 5);
}

#[test]
fn the_latest_load_of_a_table_is_known() {
    let (_folder, store) = store();
    let first = LedgerEntry { started_at: at(0), duration_ms: 1_000, ..file_entry("a.csv", "aa") };
    assert_eq!(store.last_load(&first.table).unwrap(), None);
    let later = LedgerEntry { started_at: at(5), unit: "b.csv".into(), ..first.clone() };
    let replaced = LedgerEntry { started_at: at(7), outcome: Outcome::Replaced, ..later.clone() };
    let refused = LedgerEntry { started_at: at(9), outcome: Outcome::Refused, ..later.clone() };
    let other = LedgerEntry { started_at: at(11), table: "raw.other".parse().unwrap(), ..later.clone() };
    for entry in [&later, &first, &replaced, &refused, &other] {
        store.record(entry).unwrap();
    }
    assert_eq!(store.last_load(&first.table).unwrap(), Some(at(8)));
}
