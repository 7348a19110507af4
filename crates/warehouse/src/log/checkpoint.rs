//! Checkpoints: the whole state of a version in one Parquet file, so that opening does not replay every commit.
//!
//! Written by `deltalake`; read here by turning rows into the JSON lines that commits have, so that there is one
//! way in which actions are understood.

use std::fs::File;
use std::path::Path;

use arrow::json::LineDelimitedWriter;
use millstream_core::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::LOG_FOLDER;
use super::action::{Action, from_lines};
use super::snapshot::label;

/// Commits between two checkpoints. Opening a table reads at most this many small files.
pub(crate) const COMMITS_PER_CHECKPOINT: u64 = 50;

/// Columns of a checkpoint that we need.
const COLUMNS: &[&str] = &["protocol", "metaData", "txn", "add", "checkpointMetadata"];

/// The actions of the checkpoint of a version.
pub(crate) fn read(folder: &Path, version: u64) -> Result<Vec<Action>> {
    let path = folder.join(LOG_FOLDER).join(format!("{version:020}.checkpoint.parquet"));
    let failed = |error: &dyn std::fmt::Display| {
        Error::environment(format!("the checkpoint of version {version} of table '{}' cannot be read", label(folder)))
            .why(format!("{}: {error}", path.display()))
            .hint("delete that file: the commits before it hold the same")
    };
    let file = File::open(&path).map_err(|error| failed(&error))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| failed(&error))?;
    let descr = builder.parquet_schema();
    // Parsed statistics are a copy of the JSON ones and may have types that JSON has not.
    let leaves = (0..descr.num_columns()).filter(|leaf| {
        let parts = descr.column(*leaf).path().parts().to_vec();
        parts.first().is_some_and(|root| COLUMNS.contains(&root.as_str()))
            && !parts.get(1).is_some_and(|part| part.ends_with("_parsed"))
    });
    let mask = ProjectionMask::leaves(descr, leaves);
    let reader = builder.with_projection(mask).build().map_err(|error| failed(&error))?;
    let mut lines = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| failed(&error))?;
        let mut writer = LineDelimitedWriter::new(&mut lines);
        writer.write(&batch).and_then(|()| writer.finish()).map_err(|error| failed(&error))?;
    }
    from_lines(&lines).map_err(|error| failed(&error))
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
