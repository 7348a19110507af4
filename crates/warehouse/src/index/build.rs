//! Making the index of a file: its key columns are read once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use futures::StreamExt;
use millstream_core::{Error, Result};
use twox_hash::XxHash64;

use super::Indexed;
use super::file_index::{self, FOLDER, FileIndex};
use super::hash::{Hasher, Number};
use crate::engine::{Engine, FILE_NUMBER, FileTable, Planned};
use crate::error::from_engine;
use crate::log::DataFile;
use crate::stage::{key_column as column, scan};

/// Changes when the numbers of keys do. What an expression gives may change with the program, so its version counts too.
const FORMAT: &str = concat!("1 ", env!("CARGO_PKG_VERSION"));

/// Rows of a data file from which its index is kept on the disk: making it again takes longer than reading it.
pub(super) const KEPT_ROWS_MIN: u64 = 256 * 1024;

/// Rows of small files that are read in one go.
pub(super) const TOGETHER_ROWS_MAX: u64 = 4 * 1024 * 1024;

/// Name of the files in plans.
const FILES: &str = "indexed";

/// Tells keys of a table apart.
pub(super) fn id(indexed: &Indexed<'_>, kinds: &[DataType]) -> u64 {
    XxHash64::oneshot(0, format!("{FORMAT}\n{:?}\n{kinds:?}\n{:?}", indexed.exprs, indexed.filter).as_bytes())
}

/// The indexes of files: of large ones from the disk, of all others from their rows, many files in one go.
pub(super) async fn load_or_build<'f>(
    engine: &Engine,
    indexed: &Indexed<'_>,
    files: &[&'f Arc<DataFile>],
    id: u64,
    kinds: &[DataType],
) -> Result<Vec<(&'f Arc<DataFile>, FileIndex)>> {
    let mut all = Vec::with_capacity(files.len());
    let mut small: Vec<&Arc<DataFile>> = Vec::new();
    let mut rows = 0;
    for file in files {
        let count = file.rows().unwrap_or_default();
        if count >= KEPT_ROWS_MIN {
            all.push((*file, large(engine, indexed, file, id, kinds).await?));
            continue;
        }
        if rows + count > TOGETHER_ROWS_MAX {
            all.extend(in_memory(engine, indexed, std::mem::take(&mut small), kinds).await?);
            rows = 0;
        }
        rows += count;
        small.push(file);
    }
    all.extend(in_memory(engine, indexed, small, kinds).await?);
    Ok(all)
}

/// The index of a large file.
async fn large(
    engine: &Engine,
    indexed: &Indexed<'_>,
    file: &Arc<DataFile>,
    id: u64,
    kinds: &[DataType],
) -> Result<FileIndex> {
    let place = place(indexed.folder, &file.add.path, id);
    if let Some(place) = place.clone()
        && let Some(found) = blocking(move || Ok(file_index::open(&place))).await?
    {
        return Ok(found);
    }
    let hashes = hashes(engine, indexed, &[file], kinds).await?.pop().unwrap_or_default();
    let Some(place) = place else { return Ok(FileIndex::in_memory(hashes)) };
    blocking(move || {
        let mut hashes = hashes;
        hashes.sort_unstable();
        hashes.dedup();
        // A folder that cannot be written is no reason to fail: the index is made again the next time.
        let kept = file_index::write(&place, &hashes).ok().and_then(|()| file_index::open(&place));
        Ok(kept.unwrap_or_else(|| FileIndex::in_memory(hashes)))
    })
    .await
}

async fn in_memory<'f>(
    engine: &Engine,
    indexed: &Indexed<'_>,
    files: Vec<&'f Arc<DataFile>>,
    kinds: &[DataType],
) -> Result<Vec<(&'f Arc<DataFile>, FileIndex)>> {
    let hashes = hashes(engine, indexed, &files, kinds).await?;
    Ok(files.into_iter().zip(hashes.into_iter().map(FileIndex::in_memory)).collect())
}

/// Where the index of a file is kept; none when the file is not in the table's folder.
pub(super) fn place(folder: &Path, path: &str, id: u64) -> Option<PathBuf> {
    let is_plain = !path.contains(['/', '%', ':']);
    is_plain.then(|| folder.join(FOLDER).join(format!("{path}.{id:016x}.keys")))
}

/// The numbers of the keys of each file, in the order of its rows or another.
pub(super) async fn hashes<N: Number>(
    engine: &Engine,
    indexed: &Indexed<'_>,
    files: &[&Arc<DataFile>],
    kinds: &[DataType],
) -> Result<Vec<Vec<N>>> {
    let mut by_file: Vec<Vec<N>> = vec![Vec::new(); files.len()];
    if files.is_empty() {
        return Ok(by_file);
    }
    let list = files.iter().map(|file| Arc::clone(file)).collect();
    let table = FileTable::new(indexed.folder, Arc::new(list), indexed.columns.clone()).with_file_numbers();
    let bytes = table.bytes();
    let mut exprs: Vec<Expr> = Vec::new();
    for (at, expr) in indexed.exprs.iter().enumerate() {
        exprs.push(of_file(expr)?.unalias().alias(format!("key{at}")));
    }
    exprs.push(column(FILES, FILE_NUMBER).alias("file"));
    let mut rows = LogicalPlanBuilder::from(scan(FILES, table)?);
    if let Some(filter) = indexed.filter {
        rows = rows.filter(of_file(filter)?).map_err(from_engine)?;
    }
    let plan = rows.project(exprs).and_then(LogicalPlanBuilder::build).map_err(from_engine)?;
    let mut stream = Box::pin(engine.stream(&Planned { plan, bytes }).await?);
    let mut hasher = Hasher::new(kinds)?;
    let mut hashes: Vec<N> = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let (keys, number) = batch.columns().split_at(kinds.len());
        hashes.clear();
        hasher.add(keys, &mut hashes)?;
        let number = cast(&number[0], &DataType::Int32).map_err(|error| failed(&error))?;
        for (number, hash) in number.as_primitive::<Int32Type>().values().iter().zip(&hashes) {
            let of_file = usize::try_from(*number).ok().and_then(|number| by_file.get_mut(number));
            of_file.ok_or_else(|| failed(&"a row is of no file"))?.push(*hash);
        }
    }
    Ok(by_file)
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::ours("an index of keys cannot be made").why(error)
}

/// The expression over the file's columns.
fn of_file(expr: &Expr) -> Result<Expr> {
    let renamed = expr.clone().transform_up(|part| {
        Ok(match part {
            Expr::Column(column) => Transformed::yes(Expr::Column(Column::new(Some(FILES), column.name))),
            other => Transformed::no(other),
        })
    });
    renamed.data().map_err(from_engine)
}

/// Runs work that waits for the disk on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::ours("an index ended badly").why(error))?
}
