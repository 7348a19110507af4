//! `insert into` and `insert overwrite`: the query's columns become the table's by position. Fractions that are put into
//! columns of whole numbers are rounded.

use arrow::datatypes::DataType;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast};
use millstream_core::warehouse::Executed;
use millstream_core::{Error, Result};
use millstream_sql::command::Insert;

use super::Run;
use super::target::Target;
use crate::engine::Planned;
use crate::error::from_engine;
use crate::stage::{TableChange, typed};

pub(super) async fn insert(run: &Run<'_>, it: &Insert) -> Result<Executed> {
    let target = Target::open(run, &it.table)?;
    target.check_columns(it.columns.iter().map(String::as_str))?;
    let all = target.columns();
    let named = if it.columns.is_empty() { &all } else { &it.columns };
    if let Some(twice) = named.iter().enumerate().find(|(at, name)| named[..*at].contains(name)) {
        return Err(Error::user(format!("the insert into '{}' names the column '{}' twice", target.name, twice.1)));
    }
    let inner = run.inner;
    let planned = inner.engine.plan_statement(&inner.catalog, it.query.clone(), run.options, None)?;
    let planned = fitted(&target, planned, named)?;
    let rows = inner.engine.stream(&planned).await?;
    let mut written = target.written();
    written.add(target.write(rows).await?);
    let added = written.release();
    let count = added.iter().map(|part| part.rows).sum();
    let mut change = TableChange { added, rows_new: count, ..TableChange::default() };
    if it.overwrite {
        change.removed = target.base.files.to_vec();
        change.is_whole = true;
        change.rows_gone = target.base.rows().unwrap_or_default();
    }
    target.commit("INSERT", change, count).await
}

/// The query with the table's columns: those that are named in order, the others null.
fn fitted(target: &Target<'_>, planned: Planned, named: &[String]) -> Result<Planned> {
    let schema = planned.plan.schema().clone();
    let given: Vec<(Column, &DataType)> =
        schema.iter().map(|(qualifier, field)| (Column::from((qualifier, field)), field.data_type())).collect();
    if given.len() != named.len() {
        return Err(Error::user(format!(
            "the insert into '{}' gives {} values for {} columns",
            target.name,
            given.len(),
            named.len()
        ))
        .hint(format!("the columns are: {}", named.join(", "))));
    }
    let expressions: Vec<Expr> = target
        .base
        .engine_schema
        .fields()
        .iter()
        .map(|field| {
            let value = named.iter().position(|name| name == field.name()).and_then(|at| given.get(at));
            let value = match value {
                Some((column, found)) => typed(Expr::Column(column.clone()), found, field.data_type()),
                None => cast(Expr::Literal(ScalarValue::Null, None), field.data_type().clone()),
            };
            value.alias(field.name())
        })
        .collect();
    let plan = LogicalPlanBuilder::from(planned.plan)
        .project(expressions)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    Ok(Planned { plan, bytes: planned.bytes })
}
