//! Stages that bring whole files: replace, given rows, append.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use millstream_core::Result;
use millstream_core::warehouse::Staged;

use super::Request;
use super::align::align;
use super::staged::{StagedVersion, TableChange};
use crate::engine::{Engine, Planned};
use crate::log::Snapshot;
use crate::log::schema::storable_schema;
use crate::write::{Written, write_batches, write_plan};

/// The relation becomes a table with the rows of the query.
pub(super) async fn replace(request: &Request<'_>, sql: &str) -> Result<Arc<dyn Staged>> {
    replace_planned(request, request.plan(sql)?).await
}

/// As [`replace`], of a query that is planned.
pub(crate) async fn replace_planned(request: &Request<'_>, planned: Planned) -> Result<Arc<dyn Staged>> {
    let (base, damaged) = readable(request)?;
    let stored = storable_schema(&Engine::schema_of(&planned.plan))?;
    let written = write(request, &planned, stored.clone()).await?;
    StagedVersion::table(request, stored, TableChange { damaged, ..instead_of(base, written) })
}

/// The relation becomes a table with these rows.
pub(super) fn given(request: &Request<'_>, schema: &Schema, batches: Vec<RecordBatch>) -> Result<Arc<dyn Staged>> {
    let (base, damaged) = readable(request)?;
    let stored = storable_schema(schema)?;
    let written = write_batches(&request.output(stored.clone())?, batches)?;
    StagedVersion::table(request, stored, TableChange { damaged, ..instead_of(base, written) })
}

/// The latest version, and whether there is one that cannot be read. A table that is replaced whole need not be
/// readable: its last commit may have been lost in a power cut (see [`Request::output`]).
pub(crate) fn readable(request: &Request<'_>) -> Result<(Option<Arc<Snapshot>>, bool)> {
    match request.current() {
        Ok(base) => Ok((base, false)),
        Err(error) if crate::log::is_damaged(&error) => Ok((None, true)),
        Err(error) => Err(error),
    }
}

/// The rows of the query are added.
pub(super) async fn append(request: &Request<'_>, sql: &str) -> Result<Arc<dyn Staged>> {
    let base = request.base()?;
    let planned = request.plan(sql)?;
    let aligned = align(request, planned, &base)?;
    let written = write(request, &aligned.planned, aligned.stored.clone()).await?;
    let mut change = TableChange { rows_new: written.rows(), added: written.parts, ..TableChange::default() };
    if aligned.rewrites_all {
        super::merge::rewrite_all(request, &base, &aligned.stored, &mut change).await?;
    }
    change.base = Some(base);
    StagedVersion::table(request, aligned.stored, change)
}

/// Runs a plan into files of the relation's folder.
pub(crate) async fn write(request: &Request<'_>, planned: &Planned, stored: SchemaRef) -> Result<Written> {
    let (physical, context) = request.inner.engine.physical(planned).await?;
    write_plan(physical, context, request.output(stored)?).await
}

pub(crate) fn instead_of(base: Option<Arc<Snapshot>>, written: Written) -> TableChange {
    TableChange {
        rows_new: written.rows(),
        added: written.parts,
        removed: base.iter().flat_map(|base| base.files.iter().cloned()).collect(),
        is_whole: true,
        rows_gone: base.as_ref().and_then(|base| base.rows()).unwrap_or_default(),
        base,
        ..TableChange::default()
    }
}
