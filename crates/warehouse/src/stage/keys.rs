//! Keys of merges: which columns, whether they are unique, and which files may hold them.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use futures::StreamExt;
use millstream_core::warehouse::Part;
use millstream_core::{Error, Result};

use super::Request;
use crate::engine::{FileTable, Planned};
use crate::error::from_engine;
use crate::log::DataFile;
use crate::suggest::nearest;

/// Keys that an error about repeated ones shows.
const SHOWN_MAX: usize = 3;

/// Checks that the key has columns and the table has them.
pub(super) fn check_columns(
    request: &Request<'_>,
    unique_key: &[String],
    columns: &[String],
    schema: &Schema,
) -> Result<()> {
    if unique_key.is_empty() {
        return Err(Error::user(format!("'{}' has no unique_key", request.name))
            .hint("name the columns that tell its rows apart, or use incremental_strategy: append"));
    }
    for name in unique_key.iter().chain(columns) {
        if schema.field_with_name(name).is_err() {
            let names = schema.fields().iter().map(|field| field.name().as_str());
            let error = Error::user(format!("'{}' has no column '{name}' to merge by or update", request.name));
            return Err(match nearest(name, names) {
                Some(near) => error.hint(format!("did you mean '{near}'?")),
                None => error.hint("check unique_key and merge_update_columns"),
            });
        }
    }
    Ok(())
}

/// A column by its exact name.
pub(crate) fn column(relation: &str, name: &str) -> Expr {
    Expr::Column(Column::new(Some(relation), name))
}

/// A scan of a list of files under a name.
pub(crate) fn scan(name: &str, table: FileTable) -> Result<LogicalPlan> {
    LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(table)), None)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)
}

/// Fails when two rows of the source have the same key; the error shows some.
pub(super) async fn check_unique(request: &Request<'_>, source: FileTable, unique_key: &[String]) -> Result<()> {
    let bytes = source.bytes();
    let keys: Vec<Expr> = unique_key.iter().map(|name| column("source", name)).collect();
    let plan = LogicalPlanBuilder::from(scan("source", source)?)
        .aggregate(keys, vec![count(lit(1)).alias("rows")])
        .and_then(|plan| plan.filter(Expr::Column(Column::from_name("rows")).gt(lit(1))))
        .and_then(|plan| plan.limit(0, Some(SHOWN_MAX)))
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let mut result = request.inner.engine.run(&Planned { plan, bytes }).await?;
    let mut shown = Vec::new();
    while let Some(batch) = result.stream.next().await {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = batch
                .columns()
                .iter()
                .take(unique_key.len())
                .map(|cells| {
                    ScalarValue::try_from_array(cells, row).map_or_else(|_| "?".into(), |cell| cell.to_string())
                })
                .collect();
            shown.push(format!("({}) = ({})", unique_key.join(", "), cells.join(", ")));
        }
    }
    if shown.is_empty() {
        return Ok(());
    }
    Err(Error::user(format!("the query of '{}' gives several rows for one key", request.name))
        .why(shown.join("; "))
        .hint("make the query's rows unique by unique_key, for example with qualify row_number() over (partition by …) = 1"))
}

/// Files of the base whose bounds leave room for a key of the source.
pub(super) fn candidates(
    base: &[Arc<DataFile>],
    source: &[Part],
    unique_key: &[String],
    columns: &Schema,
) -> Vec<Arc<DataFile>> {
    let source: Vec<DataFile> = crate::tables::data_files(source, 0).filter_map(Arc::into_inner).collect();
    let keys: Vec<usize> = unique_key.iter().filter_map(|name| columns.index_of(name).ok()).collect();
    let apart = |file: &DataFile, part: &DataFile| {
        let (ours, theirs) = (file.planner_statistics(columns), part.planner_statistics(columns));
        keys.iter().any(|key| {
            let (ours, theirs) = (&ours.column_statistics[*key], &theirs.column_statistics[*key]);
            let no_nulls = ours.null_count == Precision::Exact(0) || theirs.null_count == Precision::Exact(0);
            let below = |a: &Precision<ScalarValue>, b: &Precision<ScalarValue>| {
                matches!((a.get_value(), b.get_value()), (Some(a), Some(b)) if a < b)
            };
            no_nulls && (below(&ours.max_value, &theirs.min_value) || below(&theirs.max_value, &ours.min_value))
        })
    };
    base.iter().filter(|file| source.iter().any(|part| !apart(file, part))).cloned().collect()
}
