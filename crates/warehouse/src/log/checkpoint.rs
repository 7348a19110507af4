//! Checkpoints: the whole state of a version in one Parquet file, so that opening does not replay every commit.
//!
//! Written by `deltalake`; read here by turning rows into the JSON lines that commits have, so that there is one
//! way in which actions are understood.

use std::fs::File;
use std::path::Path;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, is_not_null, or};
use arrow::json::LineDelimitedWriter;
use millstream_core::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::LOG_FOLDER;
use super::action::{Action, from_lines};
use super::snapshot::label;

/// Commits between two checkpoints, at least. Opening a table reads about this many small files.
pub(crate) const COMMITS_PER_CHECKPOINT: u64 = 50;

/// Commits between two checkpoints, at most, however large a checkpoint is.
pub(crate) const COMMITS_PER_CHECKPOINT_MAX: u64 = 1_000;

/// Actions of a checkpoint that one commit pays for: a table whose checkpoint is large gets one less often, so that
/// checkpoints cost a commit the same whatever the table has behind it.
const ACTIONS_PER_COMMIT: u64 = 100;

/// The file that names the latest checkpoint.
const LAST: &str = "_last_checkpoint";

/// Columns of a checkpoint that make up a version.
const COLUMNS: &[&str] = &["protocol", "metaData", "txn", "add", "checkpointMetadata"];

/// Column of a checkpoint with the files that went.
const REMOVED: &[&str] = &["remove"];

/// What the log says of its latest checkpoint.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hint {
    pub version: u64,
    /// Actions in it.
    #[serde(default)]
    pub size: u64,
    /// Files that it consists of, when they are several.
    parts: Option<u64>,
    v2_checkpoint: Option<serde_json::Value>,
}

/// The latest checkpoint as the log says; `None` when it says nothing that we can use. Only ever a hint: the file is
/// written after the checkpoint, and a killed process may have left an older one.
pub(crate) fn hint(folder: &Path) -> Option<Hint> {
    let text = std::fs::read(folder.join(LOG_FOLDER).join(LAST)).ok()?;
    let hint: Hint = serde_json::from_slice(&text).ok()?;
    (hint.parts.is_none_or(|parts| parts <= 1) && hint.v2_checkpoint.is_none()).then_some(hint)
}

/// Whether a table that has just got this version wants a checkpoint.
pub(crate) fn is_due(folder: &Path, version: u64) -> bool {
    if version == 0 || !version.is_multiple_of(COMMITS_PER_CHECKPOINT) {
        return false;
    }
    let Some(last) = hint(folder) else { return true };
    let wanted = (last.size / ACTIONS_PER_COMMIT).clamp(COMMITS_PER_CHECKPOINT, COMMITS_PER_CHECKPOINT_MAX);
    version.saturating_sub(last.version) >= wanted
}

/// File name of a checkpoint.
pub(crate) fn file(version: u64) -> String {
    format!("{version:020}.checkpoint.parquet")
}

/// The actions of the checkpoint of a version, without the files that went.
pub(crate) fn read(folder: &Path, version: u64) -> Result<Vec<Action>> {
    read_columns(folder, version, COLUMNS)
}

/// Paths of files that went before the version and are still told of.
pub(crate) fn removed(folder: &Path, version: u64) -> Result<impl Iterator<Item = String> + use<>> {
    let actions = read_columns(folder, version, REMOVED)?;
    Ok(actions.into_iter().filter_map(|action| action.remove.map(|remove| remove.path)))
}

fn read_columns(folder: &Path, version: u64, columns: &[&str]) -> Result<Vec<Action>> {
    let path = folder.join(LOG_FOLDER).join(file(version));
    let failed = |error: &dyn std::fmt::Display| {
        Error::environment(format!("the checkpoint of version {version} of table '{}' cannot be read", label(folder)))
            .why(format!("{}: {error}", path.display()))
            .hint("delete that file: the commits before it hold the same")
    };
    let opened = File::open(&path).map_err(|error| failed(&error))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|error| failed(&error))?;
    let descr = builder.parquet_schema();
    // Parsed statistics are a copy of the JSON ones and may have types that JSON has not.
    let leaves = (0..descr.num_columns()).filter(|leaf| {
        let parts = descr.column(*leaf).path().parts().to_vec();
        parts.first().is_some_and(|root| columns.contains(&root.as_str()))
            && !parts.get(1).is_some_and(|part| part.ends_with("_parsed"))
    });
    let mask = ProjectionMask::leaves(descr, leaves);
    let reader = builder.with_projection(mask).build().map_err(|error| failed(&error))?;
    let mut lines = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| failed(&error)).and_then(|batch| told(&batch))?;
        let mut writer = LineDelimitedWriter::new(&mut lines);
        writer.write(&batch).and_then(|()| writer.finish()).map_err(|error| failed(&error))?;
    }
    from_lines(&lines).map_err(|error| failed(&error))
}

/// Rows with an action of the columns that were read; the others are actions of other kinds.
fn told(batch: &RecordBatch) -> Result<RecordBatch> {
    let failed = |error| Error::ours("actions of a checkpoint cannot be told apart").why(error);
    let mut any = BooleanArray::from(vec![false; batch.num_rows()]);
    for column in batch.columns() {
        any = or(&any, &is_not_null(column).map_err(failed)?).map_err(failed)?;
    }
    filter_record_batch(batch, &any).map_err(failed)
}

/// Writes the checkpoint of the latest version.
pub(crate) async fn write(folder: &Path) -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::environment(format!("a checkpoint of table '{}' cannot be written", label(folder))).why(error)
    };
    let url = url::Url::from_directory_path(folder).map_err(|()| failed(&"its folder is not absolute"))?;
    let table = deltalake::open_table(url).await.map_err(|error| failed(&error))?;
    deltalake::checkpoints::create_checkpoint(&table, None).await.map_err(|error| failed(&error))
}
