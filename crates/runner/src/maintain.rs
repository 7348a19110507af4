//! Housekeeping of the workspace's tables and history: small files are put together, what no version within the
//! retention needs is removed, and old runs are forgotten.
//!
//! Guarantees: ingestion, builds and queries go on meanwhile; a table that cannot be kept in order does not hold the
//! others back. While it runs, no other process removes leftovers, among which its unfinished files would be.
//!
//! Deliberately absent: when it runs, which is its caller's to say.

use millstream_core::housekeeping::{Maintained, Upkeep};
use millstream_core::warehouse::RelationKind;
use millstream_core::{Error, Result, TableName};

use crate::lock::{FILES_LOCK, WorkspaceLock};
use crate::{Cancel, Runner};

/// What is to be kept in order.
#[derive(Debug, Clone, Default)]
pub struct MaintainRequest {
    /// Names of tables, with or without their schema; none means all.
    pub tables: Vec<String>,
    /// What may be done.
    pub upkeep: Upkeep,
    /// Ends the work between two tables.
    pub cancel: Cancel,
}

/// What was done.
#[derive(Debug, Default)]
pub struct MaintainSummary {
    /// One for each table, by name.
    pub tables: Vec<Maintained>,
    /// Tables that could not be kept in order, and why.
    pub failed: Vec<(TableName, Error)>,
    /// Runs that the history no longer has.
    pub runs_forgotten: usize,
}

impl Runner {
    /// Keeps house in the tables of the request, one after the other, and in the history, when all of them are meant and
    /// what is old is looked for.
    ///
    /// # Errors
    /// A name is no table, or the workspace cannot be read, or the history cannot be written. What goes wrong with one
    /// table is in the summary.
    pub async fn maintain(&self, request: &MaintainRequest) -> Result<MaintainSummary> {
        let names = self.tables_of(&request.tables).await?;
        let lock = WorkspaceLock::share(&self.workspace, FILES_LOCK, &request.cancel).await?;
        let mut summary = MaintainSummary::default();
        self.progress.start("maintain", Some(names.len() as u64), "table");
        for (done, name) in names.into_iter().enumerate() {
            if request.cancel.is_cancelled() {
                break;
            }
            match self.warehouse.maintain(&name, &request.upkeep).await {
                Ok(maintained) => summary.tables.extend(maintained),
                Err(error) => summary.failed.push((name, error)),
            }
            self.progress.set(done as u64 + 1);
        }
        self.progress.finish();
        drop(lock);
        let upkeep = &request.upkeep;
        if request.tables.is_empty() && !upkeep.is_dry_run && !upkeep.is_compaction_only {
            summary.runs_forgotten = self.forget_runs(&request.cancel)?;
        }
        Ok(summary)
    }

    /// The tables that these names mean: with a schema exactly one, without one that of the target's schema or else
    /// all of this name.
    async fn tables_of(&self, names: &[String]) -> Result<Vec<TableName>> {
        let mut all: Vec<TableName> = Vec::new();
        for relation in self.warehouse.relations(None).await? {
            if relation.kind == RelationKind::Table {
                all.push(relation.name);
            }
        }
        if names.is_empty() {
            return Ok(all);
        }
        let own = &self.project.target.schema;
        let mut wanted = Vec::new();
        for name in names {
            let is_meant = |table: &&TableName| table.to_string() == *name || table.name == *name;
            let found: Vec<&TableName> = all.iter().filter(is_meant).collect();
            let in_own = found.iter().find(|table| table.schema == *own && table.name == *name);
            match (in_own, found.as_slice()) {
                (Some(table), _) => wanted.push((*table).clone()),
                (None, []) => {
                    return Err(Error::usage(format!("there is no table '{name}'"))
                        .hint("'millstream query \"show tables\"' lists what there is; views need no housekeeping"));
                }
                (None, found) => wanted.extend(found.iter().copied().cloned()),
            }
        }
        wanted.sort();
        wanted.dedup();
        Ok(wanted)
    }
}
