//! Stages: the next version of a model, written and not yet visible.
//!
//! Publishing a table is one Delta commit on the version that the stage was prepared on; a newer version in between
//! is a retryable error, unless it holds the same rows in other files (see [`rebase`]). When a view becomes a table, the commit comes first and the view's file goes then; when a
//! table becomes a view, the view's file comes first and the table's folder goes then. A view wins over a table of the
//! same name, so a reader sees the old relation until the last step of the first, and from the first step of the
//! second; a kill in between leaves the one that was visible last, and the next publication finishes the change.

mod align;
mod delete;
mod keys;
mod merge;
mod open;
mod rebase;
mod rows;
mod staged;
mod view;

use std::sync::Arc;

use millstream_core::warehouse::{
    OnSchemaChange, QueryOptions, RefreshMode, RefreshReport, RelationKind, Stage, Staged,
};
use millstream_core::{Error, Result, TableName};
use millstream_sql::StatementKind;

use crate::engine::Planned;
use crate::log::{Snapshot, check_writable};
use crate::warehouse::Inner;
use crate::write::Output;

pub(crate) use align::typed;
pub(crate) use keys::{column as key_column, scan};
pub(crate) use merge::{Guard, project};
pub(crate) use open::{OpenStage, OpenStages};
pub(crate) use rows::{instead_of, readable, replace_planned, write};
pub(crate) use staged::{Refreshed, StagedVersion, TableChange, staged_of};
pub(crate) use view::{check_names, view};

/// What every stage is given.
pub(crate) struct Request<'a> {
    pub inner: Arc<Inner>,
    pub name: &'a TableName,
    pub options: &'a QueryOptions,
    pub on_schema_change: OnSchemaChange,
    /// Whether what is written is forced to the disk.
    pub durable: bool,
    /// A staged version of the same relation that an incremental stage goes on from.
    pub earlier: Option<&'a StagedVersion>,
}

/// Writes the next version of a relation.
pub(crate) async fn stage(
    inner: Arc<Inner>,
    name: &TableName,
    stage: Stage,
    on_schema_change: OnSchemaChange,
    options: &QueryOptions,
) -> Result<Arc<dyn Staged>> {
    inner.catalog.folder(name)?;
    let durable = !matches!(stage, Stage::Replace { .. } | Stage::Rows { .. });
    let is_whole =
        matches!(stage, Stage::Replace { .. } | Stage::Rows { .. } | Stage::View { .. } | Stage::Refresh { .. });
    let replaces = matches!(stage, Stage::Replace { .. } | Stage::Rows { .. } | Stage::View { .. });
    let _open = (!replaces).then(|| inner.open_stages.enter(name));
    let earlier = if is_whole { None } else { staged::earlier(name, options)? };
    let request = Request { inner, name, options, on_schema_change, durable, earlier };
    match stage {
        Stage::Replace { sql } => rows::replace(&request, &sql).await,
        Stage::Rows { schema, batches } => rows::given(&request, &schema, batches),
        Stage::Append { sql } => rows::append(&request, &sql).await,
        Stage::Merge { sql, unique_key, update_columns, predicates } => {
            merge::merge(&request, &sql, &unique_key, Some(&update_columns), &predicates).await
        }
        Stage::DeleteInsert { sql, unique_key, predicates } => {
            merge::merge(&request, &sql, &unique_key, None, &predicates).await
        }
        Stage::DeleteWhere { sql, condition } => delete::delete_where(&request, &sql, &condition).await,
        Stage::Refresh { sql, keys, mode } => crate::refresh::refresh(&request, &sql, &keys, mode).await,
        Stage::View { sql } => view(&request, sql),
    }
}

/// What a refresh would do.
pub(crate) async fn explain_refresh(
    inner: Arc<Inner>,
    name: &TableName,
    sql: &str,
    keys: &[Vec<String>],
    mode: RefreshMode,
    options: &QueryOptions,
) -> Result<RefreshReport> {
    inner.catalog.folder(name)?;
    let on_schema_change = OnSchemaChange::default();
    let request = Request { inner, name, options, on_schema_change, durable: true, earlier: None };
    crate::refresh::explain(&request, sql, keys, mode).await
}

impl Request<'_> {
    /// Plans the model's query, which must be a query.
    pub(crate) fn plan(&self, sql: &str) -> Result<Planned> {
        if millstream_sql::read_only(&millstream_sql::parse_one_in(self.options.dialect, sql)?)? != StatementKind::Query
        {
            return Err(Error::user(format!("'{}' cannot be built", self.name)).why("a model must be a query"));
        }
        self.inner.engine.plan(&self.inner.catalog, sql, self.options)
    }

    /// Where the relation's files go.
    ///
    /// A model that is replaced whole (a view is too) is not forced to the disk: after a power cut the next build makes it again, and
    /// waiting for the disk would be most of a small model's time. Killed processes lose nothing either way. What
    /// only this table remembers (loads, incremental models, snapshots) is forced.
    pub(crate) fn output(&self, stored: arrow::datatypes::SchemaRef) -> Result<Output> {
        let folder = self.inner.catalog.folder(self.name)?;
        Ok(Output { folder, stored, ids: self.inner.options.ids.clone(), durable: self.durable })
    }

    /// The latest version of the table, if there is one.
    fn current(&self) -> Result<Option<Arc<Snapshot>>> {
        let current = self.inner.catalog.table(self.name)?;
        if let Some(snapshot) = &current {
            check_writable(&snapshot.label(), &snapshot.protocol, &snapshot.metadata)?;
        }
        Ok(current)
    }

    /// The table that an incremental stage goes on from.
    pub(crate) fn base(&self) -> Result<Arc<Snapshot>> {
        if let Some(earlier) = self.earlier {
            return earlier.as_base();
        }
        match (self.inner.catalog.kind(self.name)?, self.current()?) {
            (Some(RelationKind::Table), Some(snapshot)) => Ok(snapshot),
            (Some(RelationKind::View), _) => Err(Error::user(format!("'{}' is a view", self.name))
                .why("rows can be added to tables only")
                .hint("build it once with --full-refresh")),
            _ => Err(Error::user(format!("there is no table '{}' to add rows to", self.name))
                .hint("build it once with --full-refresh")),
        }
    }
}
