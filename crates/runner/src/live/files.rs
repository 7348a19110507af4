//! Watches the folders of file sources by looking at them now and then.
//!
//! Guarantees: a file is offered when it has stopped growing: seen twice with the same size and time of change, or
//! unchanged for longer than that; one that does not end as a whole file does (in a line's end) only when it was left
//! alone for [`UNFINISHED_MAX`], since its copying may have come to a halt. It is offered once; one that changes is
//! offered again, and so is every file when a new `up` begins (what is loaded is known by content) and when the table has
//! been dropped. An error of a folder
//! is told and tried again after a pause that no other folder waits for.
//!
//! Deliberately absent: the system's own notifications, which network folders do not send.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use millstream_core::Result;
use millstream_ingest::{Contract, FoundFile, UnitStatus, find_files, is_compressed};
use millstream_store::Cause;

use super::event::LiveEvent;
use super::shared::Shared;
use crate::{IngestRequest, SourceResult};

/// How long a file is left alone whose last line has no end: either it is written like that, or its copying has come to a
/// halt in the middle and will go on.
const UNFINISHED_MAX: Duration = Duration::from_secs(60);

/// A folder that is watched.
pub(crate) struct Watched {
    pub(crate) unique_id: String,
    pub(crate) name: String,
    pub(crate) contract: Contract,
    /// Files that were offered, as they were then.
    offered: BTreeMap<String, Print>,
    /// Files of which it was told that they do not end as whole ones do, as they were then.
    told: BTreeMap<String, Print>,
    /// Files as they were at the last look.
    seen: BTreeMap<String, Seen>,
    /// Whether its table was there when files were offered last.
    has_table: bool,
    failures: u32,
    /// When it is looked at next; at once when it never was.
    next: Option<Instant>,
}

/// What tells that a file has changed.
type Print = (u64, SystemTime);

/// A file as it was at the last look, and since when it has been so.
#[derive(Debug, Clone, Copy)]
struct Seen {
    print: Print,
    since: SystemTime,
}

impl Watched {
    pub(crate) fn new(unique_id: String, name: String, contract: Contract) -> Self {
        let (offered, told, seen) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { unique_id, name, contract, offered, told, seen, has_table: false, failures: 0, next: None }
    }

    /// Files that were not offered as they are and no longer grow, each with whether it was left alone for so long that
    /// nobody is at work on it.
    fn still(&mut self, found: Vec<FoundFile>, now: SystemTime, poll: Duration) -> Vec<(FoundFile, bool)> {
        let print = |file: &FoundFile| (file.bytes, file.modified);
        let before = std::mem::take(&mut self.seen);
        for file in &found {
            let known = before.get(&file.unit).filter(|seen| seen.print == print(file)).copied();
            self.seen.insert(file.unit.clone(), known.unwrap_or(Seen { print: print(file), since: now }));
        }
        self.offered.retain(|unit, _| self.seen.contains_key(unit));
        self.told.retain(|unit, _| self.seen.contains_key(unit));
        let age = |since: SystemTime| now.duration_since(since).unwrap_or_default();
        let mut still = Vec::new();
        for file in found {
            let was_so = before.get(&file.unit).is_some_and(|seen| seen.print == print(&file));
            let is_new = self.offered.get(&file.unit) != Some(&print(&file));
            if is_new && (was_so || age(file.modified) >= poll * 2) {
                let alone = self.seen.get(&file.unit).map_or(Duration::ZERO, |seen| age(seen.since));
                let is_left = age(file.modified).max(alone) >= UNFINISHED_MAX;
                still.push((file, is_left));
            }
        }
        still
    }
}

/// Watches folders until it is asked to end.
pub(crate) async fn watch(shared: Arc<Shared>, mut folders: Vec<Watched>, poll: Duration) {
    while !shared.soft.is_cancelled() {
        for folder in &mut folders {
            if folder.next.is_some_and(|next| next > Instant::now()) {
                continue;
            }
            let pause = match look(&shared, folder, poll).await {
                Err(_) if shared.soft.is_cancelled() => return,
                Err(error) => {
                    folder.failures += 1;
                    shared.board.down(&folder.name, error.what());
                    shared.source_away(&folder.name, folder.failures, &error)
                }
                Ok(()) => {
                    folder.failures = 0;
                    if shared.board.up(&folder.name) {
                        shared.tell(&LiveEvent::SourceUp { source: &folder.name });
                    }
                    poll
                }
            };
            folder.next = Some(Instant::now() + pause);
        }
        let next = folders.iter().filter_map(|folder| folder.next).min();
        shared.sleep(next.map_or(poll, |next| next.saturating_duration_since(Instant::now()))).await;
    }
}

async fn look(shared: &Shared, folder: &mut Watched, poll: Duration) -> Result<()> {
    let has_table = shared.runner.warehouse.table_state(folder.contract.table()).await?.is_some();
    // Whoever drops a raw table wants its files loaded again, all of them and not only those that come from here on.
    if std::mem::replace(&mut folder.has_table, has_table) && !has_table {
        folder.offered.clear();
        shared.versions().remove(&folder.unique_id);
        shared.tell(&LiveEvent::Dropped { source: &folder.name });
    }
    let (contract, dir) = (folder.contract.clone(), shared.runner.project.dir.clone());
    let found = crate::execute::session::blocking(move || find_files(&contract, &dir)).await?;
    let still = folder.still(found, SystemTime::now(), poll);
    if still.is_empty() {
        return Ok(());
    }
    let is_ripe = |(file, is_left): &(FoundFile, bool)| *is_left || ends_whole(&file.path);
    let parted = move || Ok(still.into_iter().partition::<Vec<_>, _>(is_ripe));
    let (ripe, unfinished) = crate::execute::session::blocking(parted).await?;
    for (file, _) in unfinished {
        let print = (file.bytes, file.modified);
        if folder.told.get(&file.unit) != Some(&print) {
            let (source, left_alone) = (folder.name.as_str(), UNFINISHED_MAX);
            shared.tell(&LiveEvent::Unfinished { source, unit: &file.unit, left_alone });
            folder.told.insert(file.unit, print);
        }
    }
    let ripe: Vec<FoundFile> = ripe.into_iter().map(|(file, _)| file).collect();
    if ripe.is_empty() {
        return Ok(());
    }
    let files: Vec<PathBuf> = ripe.iter().map(|file| file.path.clone()).collect();
    let request = IngestRequest {
        sources: vec![folder.unique_id.clone()],
        files: Some(files),
        // What goes away before its turn is nobody's mistake.
        pass_over_gone: true,
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

/// Whether a file ends as one does that is whole: in a line's end, if it is not compressed, which unpacking tells. What
/// cannot be read is told by whoever loads it.
fn ends_whole(path: &Path) -> bool {
    if is_compressed(path) {
        return true;
    }
    let last = || {
        let mut file = std::fs::File::open(path)?;
        if file.seek(SeekFrom::End(0))? == 0 {
            return Ok(None);
        }
        file.seek(SeekFrom::End(-1))?;
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        Ok::<_, std::io::Error>(Some(byte[0]))
    };
    last().map_or(true, |byte| matches!(byte, Some(b'\n' | b'\r')))
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
            let still = folder.still(found, now, poll);
            folder.offered.extend(still.iter().map(|(file, _)| (file.unit.clone(), (file.bytes, file.modified))));
            still.into_iter().map(|(file, _)| file.unit).collect()
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

    #[test]
    fn a_file_that_does_not_end_as_a_whole_one_is_left_alone_for_a_minute() {
        let (mut folder, poll) = (folder(), Duration::from_secs(1));
        // With a time of change that is ahead of ours, looks alone tell.
        let mut is_left = |bytes, modified, second| -> Option<bool> {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            folder.still(vec![file("half", bytes, modified)], now, poll).first().map(|(_, is_left)| *is_left)
        };
        assert_eq!(is_left(5, 999, 100), None);
        assert_eq!(is_left(5, 999, 101), Some(false));
        assert_eq!(is_left(6, 999, 102), None, "it grows again");
        assert_eq!(is_left(6, 999, 161), Some(false));
        assert_eq!(is_left(6, 999, 162), Some(true));
        assert_eq!(is_left(7, 990, 1_049), Some(false), "its own time tells as well");
        assert_eq!(is_left(7, 990, 1_050), Some(true));

        let dir = tempfile::tempdir().unwrap();
        let ends = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).unwrap();
            ends_whole(&dir.path().join(name))
        };
        assert!(ends("a.csv", "id\n1\n") && ends("b.csv", "id\r1\r") && ends("c.csv.gz", "id") && ends("d.ZST", ""));
        assert!(!ends("e.csv", "id\n1") && !ends("f.csv", ""));
        assert!(ends_whole(&dir.path().join("gone.csv")), "whoever loads it tells");
    }
}
