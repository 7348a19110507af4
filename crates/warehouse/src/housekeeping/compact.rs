//! Puts small files together: their rows are written into a new file, and one commit exchanges the files.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;
use futures::StreamExt;
use millstream_core::housekeeping::{COMPACTION, Maintained, Upkeep};
use millstream_core::warehouse::Part;
use millstream_core::{Error, Result, TableName};

use super::tiers;
use crate::engine::{FileTable, Planned};
use crate::error::from_engine;
use crate::log::{DataFile, Snapshot, check_writable, commit};
use crate::tables::{Actions, data_files};
use crate::warehouse::Inner;
use crate::write::{Output, remove_parts, write_stream};

/// Times that the tiers are looked at in one go: what comes of one tier may fill the next.
const ROUNDS_MAX: usize = 8;

/// Attempts to commit when others commit to the same table in between.
const ATTEMPTS_MAX: usize = 100;

/// How long a commit waits for a stage that rewrites files of the same table.
const STAGE_WAIT: Duration = Duration::from_secs(10);

/// How often it looks.
const STAGE_POLL: Duration = Duration::from_millis(5);

/// How an exchange of files ended.
enum Exchange {
    Done(u64),
    /// Another commit came first.
    Second,
    /// A stage that rewrites files is open.
    Staged,
    /// One of the files is gone, or the table is another one now.
    Overtaken,
}

/// Puts small files together until no tier is due.
pub(super) async fn compact(inner: &Inner, name: &TableName, upkeep: &Upkeep, done: &mut Maintained) -> Result<()> {
    let settled_after = i64::try_from(upkeep.settled_after.as_millis()).unwrap_or(i64::MAX);
    for _ in 0..ROUNDS_MAX {
        let Some(snapshot) = inner.catalog.table(name)? else { return Ok(()) };
        check_writable(&snapshot.label(), &snapshot.protocol, &snapshot.metadata)?;
        let written_by = inner.options.clock.now().timestamp_millis().saturating_sub(settled_after);
        let is_settled = |file: &&Arc<DataFile>| file.add.modification_time <= written_by;
        let files: Vec<Arc<DataFile>> = match upkeep.settled_after.is_zero() {
            true => snapshot.files.to_vec(),
            false => snapshot.files.iter().filter(is_settled).cloned().collect(),
        };
        let groups = tiers::groups(&files);
        if groups.is_empty() {
            return Ok(());
        }
        for group in groups {
            if !upkeep.is_dry_run && !put_together(inner, name, &snapshot, &group, upkeep.rests).await? {
                done.left = Some("files were being rewritten by others: they are put together the next time".into());
                return Ok(());
            }
            done.compacted_files += group.len() as u64;
            done.compacted_bytes += group.iter().map(|file| file.add.size).sum::<u64>();
        }
        if upkeep.is_dry_run {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether the files were exchanged.
async fn put_together(
    inner: &Inner,
    name: &TableName,
    base: &Snapshot,
    group: &[Arc<DataFile>],
    rests: u32,
) -> Result<bool> {
    let parts = write(inner, base, group, rests).await?;
    let exchanged = exchange(inner, name, base, group, &parts).await;
    match exchanged {
        Ok(Some(version)) => {
            let came: Vec<_> = data_files(&parts, inner.options.clock.now().timestamp_millis()).collect();
            inner.rearranged.remember(&base.folder, group, came);
            if let [part] = parts.as_slice() {
                // Without it, the index is made from the file when it is asked for.
                let _ = inner.indexes.put_together(&base.folder, group, &part.path, part.rows).await;
                if let Some(now) = inner.catalog.table(name)? {
                    inner.indexes.gather_aside(&base.folder, &now.files, &part.path).await;
                }
            }
            inner.checkpoint_if_due(&base.folder, version).await;
            Ok(true)
        }
        other => {
            remove_parts(&base.folder, &parts);
            other.map(|_| false)
        }
    }
}

/// Writes the rows of the files anew.
async fn write(inner: &Inner, base: &Snapshot, group: &[Arc<DataFile>], rests: u32) -> Result<Vec<Part>> {
    let table = FileTable::new(&base.folder, Arc::new(group.to_vec()), base.engine_schema.clone());
    let bytes = table.bytes();
    let plan = LogicalPlanBuilder::scan("compacted", provider_as_source(Arc::new(table)), None)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let rows = inner.engine.stream(&Planned { plan, bytes }).await?;
    // The time since the batch before is that of writing it and reading this one.
    let mut since = Instant::now();
    let rows = rows.then(move |batch| {
        let rest = since.elapsed().saturating_mul(rests);
        since = Instant::now() + rest;
        async move {
            if !rest.is_zero() {
                tokio::time::sleep(rest).await;
            }
            batch
        }
    });
    // Forced to the disk, whoever wrote the table: the files that it stands for will go.
    let output = Output {
        folder: base.folder.clone(),
        stored: base.schema.clone(),
        ids: inner.options.ids.clone(),
        durable: true,
    };
    let parts = write_stream(&output, rows).await?.parts;
    let written: u64 = parts.iter().map(|part| part.rows).sum();
    let expected: Option<u64> = group.iter().map(|file| file.rows()).sum();
    if expected.is_some_and(|expected| expected != written) {
        remove_parts(&base.folder, &parts);
        return Err(Error::ours(format!("files of '{}' could not be put together", base.label()))
            .why(format!("they hold {} rows, {written} were written", expected.unwrap_or_default())));
    }
    Ok(parts)
}

/// Exchanges the files in one commit; `None` when others have taken one of them out. Versions that came in between are
/// no matter as long as the files are still there.
async fn exchange(
    inner: &Inner,
    name: &TableName,
    base: &Snapshot,
    group: &[Arc<DataFile>],
    parts: &[Part],
) -> Result<Option<u64>> {
    let began = Instant::now();
    let mut attempts = 0;
    while attempts < ATTEMPTS_MAX {
        let exchanged = inner.open_stages.while_none(name, || attempt(inner, name, base, group, parts));
        match exchanged.unwrap_or(Ok(Exchange::Staged))? {
            Exchange::Done(version) => return Ok(Some(version)),
            Exchange::Overtaken => return Ok(None),
            Exchange::Second => attempts += 1,
            Exchange::Staged if began.elapsed() < STAGE_WAIT => tokio::time::sleep(STAGE_POLL).await,
            Exchange::Staged => return Ok(None),
        }
    }
    Ok(None)
}

fn attempt(
    inner: &Inner,
    name: &TableName,
    base: &Snapshot,
    group: &[Arc<DataFile>],
    parts: &[Part],
) -> Result<Exchange> {
    let Some(current) = inner.catalog.table(name)? else { return Ok(Exchange::Overtaken) };
    // Rows of other columns would be needed.
    let is_same = current.metadata.id == base.metadata.id && *current.schema == *base.schema;
    let there: HashSet<&str> = current.files.iter().map(|file| file.add.path.as_str()).collect();
    if !is_same || !group.iter().all(|file| there.contains(file.add.path.as_str())) {
        return Ok(Exchange::Overtaken);
    }
    let options = &inner.options;
    let mut note = serde_json::Map::new();
    note.insert("files".into(), group.len().into());
    let mut actions = Actions::new(COMPACTION, Some(current.version), options.clock.now(), &note);
    actions.rearrange(group, parts);
    let version = current.version + 1;
    let won = commit::write(&base.folder, version, &actions.finish(), &options.ids.next(), true)?;
    Ok(if won { Exchange::Done(version) } else { Exchange::Second })
}
