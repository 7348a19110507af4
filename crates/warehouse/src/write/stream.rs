//! Writing what a plan produces: its partitions side by side, small results into one file.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use futures::{Stream, StreamExt};
use millstream_core::warehouse::{Part, PartWriter};
use millstream_core::{Error, Result};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::part::{PartFile, remove_parts};
use crate::error::from_engine;
use crate::options::Ids;

/// Rows of a partition that are held back, so that many small partitions become one file.
const HELD_ROWS: usize = 64 * 1024;

/// Size at which a file is ended and the next one started: small enough that a merge rewrites little.
const PART_BYTES: u64 = 128 * 1024 * 1024;

/// Data files that were written and are in no version yet.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub parts: Vec<Part>,
    /// All of their rows as the plan gave them, where they are few.
    pub few: Option<Vec<RecordBatch>>,
}

impl Written {
    pub(crate) fn rows(&self) -> u64 {
        rows_of(&self.parts)
    }
}

fn rows_of(parts: &[Part]) -> u64 {
    parts.iter().map(|part| part.rows).sum()
}

fn count(batches: &[RecordBatch]) -> u64 {
    batches.iter().map(|batch| batch.num_rows() as u64).sum()
}

/// Where files are written, and how.
#[derive(Clone)]
pub(crate) struct Output {
    /// The table's folder.
    pub folder: PathBuf,
    /// Columns as they are stored.
    pub stored: SchemaRef,
    pub ids: Arc<dyn Ids>,
    /// Whether files are forced to the disk before they count as written.
    pub durable: bool,
}

impl Output {
    fn file(&self) -> Box<PartFile> {
        Box::new(PartFile::new(&self.folder, self.stored.clone(), &self.ids.next(), self.durable))
    }
}

/// An output, and the files in it that are finished: kept outside of the tasks, so that those of a stopped task can
/// be removed.
#[derive(Clone)]
struct Target {
    output: Output,
    parts: Arc<Mutex<Vec<Part>>>,
}

impl Target {
    fn finish(&self, file: Option<Box<PartFile>>) -> Result<()> {
        let part = file.map(|file| file.finish()).transpose()?.flatten();
        self.parts.lock().extend(part);
        Ok(())
    }
}

/// Runs a plan and writes its rows. On an error nothing that was written is left.
pub(crate) async fn write_plan(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    output: Output,
) -> Result<Written> {
    let target = Target { output, parts: Arc::default() };
    let outcome = write_partitions(plan, context, &target).await;
    let parts = std::mem::take(&mut *target.parts.lock());
    match outcome {
        Ok(rest) => Ok(Written { few: (rows_of(&parts) == count(&rest)).then_some(rest), parts }),
        Err(error) => {
            remove_parts(&target.output.folder, &parts);
            Err(error)
        }
    }
}

/// Gives the rows that were held back until the end.
async fn write_partitions(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    target: &Target,
) -> Result<Vec<RecordBatch>> {
    let mut tasks = JoinSet::new();
    for partition in 0..plan.properties().partitioning.partition_count() {
        let (plan, context, target) = (plan.clone(), context.clone(), target.clone());
        tasks.spawn(
            async move { write_partition(plan, context, partition, &target).await.map(|rest| (partition, rest)) },
        );
    }
    let mut held: Vec<(usize, Vec<RecordBatch>)> = Vec::new();
    let mut failure = None;
    // Every task is waited for, also after a failure: only then nothing is written any more.
    while let Some(done) = tasks.join_next().await {
        let error = match done {
            Ok(Ok(rest)) => {
                held.push(rest);
                continue;
            }
            Ok(Err(error)) => error,
            Err(error) if error.is_cancelled() => continue,
            Err(error) => Error::ours("a query's task broke off").why(error),
        };
        failure.get_or_insert(error);
        tasks.abort_all();
    }
    if let Some(error) = failure {
        return Err(error);
    }
    held.sort_by_key(|(partition, _)| *partition);
    let rest: Vec<RecordBatch> = held.into_iter().flat_map(|(_, batches)| batches).collect();
    let written = write_batches(&target.output, rest.iter().cloned())?;
    target.parts.lock().extend(written.parts);
    Ok(rest)
}

/// Writes a stream of batches, one file after the other. On an error nothing that was written is left.
pub(crate) async fn write_stream(output: &Output, batches: impl Stream<Item = Result<RecordBatch>>) -> Result<Written> {
    let mut parts = Vec::new();
    let outcome = write_files(output, batches, &mut parts).await;
    match outcome {
        Ok(()) => Ok(Written { parts, few: None }),
        Err(error) => {
            remove_parts(&output.folder, &parts);
            Err(error)
        }
    }
}

async fn write_files(
    output: &Output,
    batches: impl Stream<Item = Result<RecordBatch>>,
    parts: &mut Vec<Part>,
) -> Result<()> {
    let mut batches = std::pin::pin!(batches);
    let mut file: Option<Box<PartFile>> = None;
    while let Some(batch) = batches.next().await {
        let open = file.get_or_insert_with(|| output.file());
        open.write(&batch?)?;
        if open.bytes() >= PART_BYTES
            && let Some(full) = file.take()
        {
            parts.extend(full.finish()?);
        }
    }
    if let Some(last) = file {
        parts.extend(last.finish()?);
    }
    Ok(())
}

/// Writes batches that are in memory into one file (none when there are no rows).
pub(crate) fn write_batches(output: &Output, batches: impl IntoIterator<Item = RecordBatch>) -> Result<Written> {
    let mut file = output.file();
    for batch in batches {
        file.write(&batch)?;
    }
    Ok(Written { parts: file.finish()?.into_iter().collect(), few: None })
}

/// Writes one partition; what is small is handed back unwritten.
async fn write_partition(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    partition: usize,
    target: &Target,
) -> Result<Vec<RecordBatch>> {
    let mut stream = plan.execute(partition, context).map_err(from_engine)?;
    let (mut held, mut held_rows) = (Vec::new(), 0);
    let mut file: Option<Box<PartFile>> = None;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(from_engine)?;
        let Some(open) = &mut file else {
            held_rows += batch.num_rows();
            held.push(batch);
            if held_rows >= HELD_ROWS {
                let next = file.insert(target.output.file());
                for batch in held.drain(..) {
                    next.write(&batch)?;
                }
            }
            continue;
        };
        open.write(&batch)?;
        if open.bytes() >= PART_BYTES {
            target.finish(file.take())?;
            held_rows = 0;
        }
    }
    target.finish(file)?;
    Ok(held)
}
