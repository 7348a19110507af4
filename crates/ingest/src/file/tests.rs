//! Whole files against a warehouse in memory that can fail at any step.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;

use millstream_core::{LedgerEntry, Outcome, SilentProgress};
use serde_json::json;

use super::*;
use crate::UnitStatus;
use crate::testing::{FakeLedger, FakeWarehouse, clock, contract};

mod crash;
mod damage;
mod whole;

/// A project folder with one source of files, its warehouse and its ledger.
struct Project {
    dir: tempfile::TempDir,
    contract: Contract,
    warehouse: FakeWarehouse,
    ledger: FakeLedger,
    replace: bool,
    threads: usize,
}

const RAW: &str = "raw.orders";
const QUARANTINE: &str = "quarantine.orders";

impl Project {
    /// `id integer required, amount decimal(18,2) max 1000, note text`, at most half of the rows broken.
    fn new() -> Self {
        Self::with(json!({"max_error_share": 0.5}))
    }
    fn with(more: serde_json::Value) -> Self {
        let mut meta = json!({"connector": "file", "path": "in/orders_*.csv"});
        meta.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let contract = contract(
            "orders",
            meta,
            &[
                ("id", "integer", json!({"required": true})),
                ("amount", "decimal(18,2)", json!({"max": 1000})),
                ("note", "text", json!({})),
            ],
        );
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("in")).unwrap();
        let warehouse = FakeWarehouse::new();
        let ledger = FakeLedger::new(&warehouse);
        Self { dir, contract, warehouse, ledger, replace: false, threads: 2 }
    }
    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.dir.path().join("in").join(name), content).unwrap();
    }
    fn remove(&self, name: &str) {
        std::fs::remove_file(self.dir.path().join("in").join(name)).unwrap();
    }
    fn try_ingest(&self) -> Result<Vec<UnitReport>> {
        let options = FileOptions {
            project_dir: self.dir.path().to_path_buf(),
            files: None,
            pass_over_gone: false,
            replace: self.replace,
            threads: self.threads,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let clock = clock();
        let ingest = ingest_files(&self.contract, &options, &self.warehouse, &self.ledger, &clock, &SilentProgress);
        runtime.block_on(ingest)
    }
    /// Ingests, and checks what must hold after every run that ended.
    fn ingest(&self) -> Vec<UnitReport> {
        let reports = self.try_ingest().unwrap();
        assert_eq!(self.warehouse.leftover_parts(), 0, "every part is committed or discarded");
        for entry in self.ledger.entries().unwrap() {
            if entry.outcome != Outcome::Refused {
                assert_eq!(entry.rows_in, entry.rows_loaded + entry.rows_quarantined, "{entry:?}");
                assert!(entry.table_version.is_some());
            }
        }
        reports
    }
    /// Ingests one file and gives its report.
    fn ingest_one(&self, name: &str, content: impl AsRef<[u8]>) -> UnitReport {
        self.write(name, content);
        let reports = self.ingest();
        let unit = format!("in/{name}");
        reports.into_iter().find(|report| report.entry.unit == unit).unwrap()
    }
    fn raw(&self) -> Vec<String> {
        self.warehouse.rows(RAW)
    }
    fn quarantine(&self) -> Vec<String> {
        self.warehouse.rows(QUARANTINE)
    }
    /// `line byte_offset raw_length rules` of the quarantined rows.
    fn rejected(&self) -> Vec<String> {
        let cells = |row: &String| {
            let cells: Vec<&str> = row.split('|').collect();
            format!("{} {} {} {}", cells[2], cells[3], cells[9], cells[10])
        };
        self.quarantine().iter().map(cells).collect()
    }
}

fn counts(entry: &LedgerEntry) -> (u64, u64, u64) {
    (entry.rows_in, entry.rows_loaded, entry.rows_quarantined)
}

fn reason(report: &UnitReport) -> &str {
    assert_eq!(report.status, UnitStatus::Refused, "{report:?}");
    report.entry.reason.as_deref().unwrap()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
