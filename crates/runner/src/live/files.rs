//! Watches the folders of file sources by looking at them now and then.
//!
//! Guarantees: a file is offered when it has stopped growing: seen twice with the same size and time of change, or
//! unchanged for longer than that. It is offered once; one that changes is offered again, and so is every file when a
//! new `up` begins (what is loaded is known by content). An error of a folder is told and tried again.
//!
//! Deliberately absent: the system's own notifications, which network folders do not send.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use millstream_core::Result;
use millstream_ingest::{Contract, FoundFile, UnitStatus, find_files};
use millstream_store::Cause;

use super::event::LiveEvent;
use super::shared::Shared;
use crate::{IngestRequest, SourceResult};

/// A folder that is watched.
pub(crate) struct Watched {
    pub(crate) unique_id: String,
    pub(crate) name: String,
    pub(crate) contract: Contract,
    /// Files that were offered, as they were then.
    offered: BTreeMap<String, Print>,
    /// Files as they were at the last look.
    seen: BTreeMap<String, Print>,
    failures: u32,
}

/// What tells that a file has changed.
type Print = (u64, SystemTime);

impl Watched {
    pub(crate) fn new(unique_id: String, name: String, contract: Contract) -> Self {
        Self { unique_id, name, contract, offered: BTreeMap::new(), seen: BTreeMap::new(), failures: 0 }
    }

    /// Files to offer now: not offered as they are, and no longer growing.
    fn ripe(&mut self, found: Vec<FoundFile>, now: SystemTime, poll: Duration) -> Vec<FoundFile> {
        let print = |file: &FoundFile| (file.bytes, file.modified);
        let is_old = |file: &FoundFile| now.duration_since(file.modified).is_ok_and(|age| age >= poll * 2);
        let seen = found.iter().map(|file| (file.unit.clone(), print(file))).collect();
        let before = std::mem::replace(&mut self.seen, seen);
        self.offered.retain(|unit, _| self.seen.contains_key(unit));
        let is_new = |file: &FoundFile| self.offered.get(&file.unit) != Some(&print(file));
        let is_still = |file: &FoundFile| before.get(&file.unit) == Some(&print(file)) || is_old(file);
        found.into_iter().filter(|file| is_new(file) && is_still(file)).collect()
    }
}

/// Watches folders until it is asked to end.
pub(crate) async fn watch(shared: Arc<Shared>, mut folders: Vec<Watched>, poll: Duration) {
    while !shared.soft.is_cancelled() {
        for folder in &mut folders {
            if let Err(error) = look(&shared, folder, poll).await {
                if shared.soft.is_cancelled() {
                    return;
                }
                folder.failures += 1;
                shared.board.down(&folder.name, error.what());
                shared.pause_source(&folder.name, folder.failures, &error).await;
                continue;
            }
            folder.failures = 0;
            if shared.board.up(&folder.name) {
                shared.tell(&LiveEvent::SourceUp { source: &folder.name });
            }
        }
        shared.sleep(poll).await;
    }
}

async fn look(shared: &Shared, folder: &mut Watched, poll: Duration) -> Result<()> {
    let (contract, dir) = (folder.contract.clone(), shared.runner.project.dir.clone());
    let found = crate::execute::session::blocking(move || find_files(&contract, &dir)).await?;
    let ripe = folder.ripe(found, SystemTime::now(), poll);
    if ripe.is_empty() {
        return Ok(());
    }
    let files: Vec<PathBuf> = ripe.iter().map(|file| file.path.clone()).collect();
    let request = IngestRequest {
        sources: vec![folder.unique_id.clone()],
        files: Some(files),
        args: serde_json::Map::from_iter([(
            "files".to_owned(),
            ripe.iter().map(|file| file.unit.clone()).collect::<Vec<_>>().into(),
        )]),
        cause: Cause::File,
        cancel: shared.soft.clone(),
        ..IngestRequest::default()
    };
    let summary = match shared.runner.ingest(&request).await {
        // Somebody else ingests into this table: the next look finds the files again.
        Err(error) if error.is_retryable() => return Ok(()),
        done => done?,
    };
    if let Some(error) = summary.sources.iter().find_map(|source| source.error.clone()) {
        return Err(error);
    }
    for source in &summary.sources {
        account(shared, &folder.unique_id, source);
    }
    shared.tell(&LiveEvent::Ingested { summary: &summary });
    folder.offered.extend(ripe.into_iter().map(|file| (file.unit, (file.bytes, file.modified))));
    Ok(())
}

/// Writes what came of files to the board, and marks what reads them.
pub(crate) fn account(shared: &Shared, unique_id: &str, source: &SourceResult) {
    let now = shared.now();
    for unit in &source.units {
        let entry = &unit.entry;
        match unit.status {
            UnitStatus::Loaded | UnitStatus::Replaced => {
                let took = Duration::from_millis(entry.duration_ms);
                shared.board.file(&source.source, now, entry.rows_loaded, entry.rows_quarantined, took);
                shared.changed(unique_id, entry.table_version);
            }
            UnitStatus::Refused => shared.board.source(&source.source, |board| board.files_refused += 1),
            UnitStatus::AlreadyLoaded | UnitStatus::SameContent { .. } | UnitStatus::Completed | UnitStatus::Gap => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use millstream_core::{Place, TableName};
    use millstream_ingest::{ColumnDecl, SourceDecl};

    fn folder() -> Watched {
        let place = Place::file("sources.yml");
        let column = ColumnDecl {
            name: "id".into(),
            data_type: Some("integer".into()),
            meta: serde_json::Value::Null,
            place: None,
        };
        let decl = SourceDecl {
            table: TableName::new("raw", "t"),
            meta: serde_json::json!({"connector": "file", "path": "in/*.csv"}),
            columns: vec![column],
            place,
        };
        Watched::new("source.p.raw.t".into(), "raw.t".into(), Contract::parse(&decl).unwrap())
    }

    fn file(unit: &str, bytes: u64, modified: u64) -> FoundFile {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(modified);
        FoundFile { unit: unit.into(), path: unit.into(), bytes, modified }
    }

    #[test]
    fn a_file_is_offered_once_when_it_no_longer_grows() {
        let (mut folder, poll) = (folder(), Duration::from_secs(1));
        let mut units = |found: Vec<FoundFile>, second| -> Vec<String> {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            let ripe = folder.ripe(found, now, poll);
            folder.offered.extend(ripe.iter().map(|file| (file.unit.clone(), (file.bytes, file.modified))));
            ripe.into_iter().map(|file| file.unit).collect()
        };
        assert_eq!(units(vec![file("old", 1, 10), file("new", 5, 99)], 100), ["old"], "it may still be written");
        assert_eq!(units(vec![file("old", 1, 10), file("new", 9, 100)], 100), [""; 0]);
        assert_eq!(units(vec![file("old", 1, 10), file("new", 9, 100)], 101), ["new"]);
        assert_eq!(units(vec![file("old", 1, 10), file("new", 9, 100)], 102), [""; 0]);
        // Changed later, and then gone and back.
        assert_eq!(units(vec![file("old", 2, 50), file("new", 9, 100)], 103), ["old"]);
        assert_eq!(units(vec![file("new", 9, 100)], 104), [""; 0]);
        assert_eq!(units(vec![file("old", 2, 50), file("new", 9, 100)], 105), ["old"]);
    }
}
