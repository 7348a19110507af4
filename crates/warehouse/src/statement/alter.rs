//! `alter table` of columns. Adding one changes the table's description only; Delta cannot forget, rename or retype a
//! column in place, so the other changes write the rows anew.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, Operator, binary_expr, cast, lit};
use millstream_core::warehouse::Executed;
use millstream_core::{Error, Result};
use millstream_sql::Statement;
use millstream_sql::command::{AlterColumns, ColumnChange};

use super::target::Target;
use super::{Run, changed};
use crate::engine::{Engine, FileTable, Planned};
use crate::error::from_engine;
use crate::log::schema::{engine_schema, sql_type, storable, storable_schema};
use crate::stage::{StagedVersion, TableChange};
use crate::suggest::nearest;
use crate::write::write_stream;

/// A column of the next version.
struct Slot {
    name: String,
    data_type: DataType,
    /// The column that it was; none: a new one.
    was: Option<String>,
}

pub(super) async fn columns(run: &Run<'_>, it: &AlterColumns) -> Result<Executed> {
    let verb = "ALTER TABLE";
    if it.if_exists && run.kind(&run.name(&it.table)?)?.is_none() {
        return Ok(Executed::new(verb));
    }
    let target = Target::open(run, &it.table)?;
    let mut slots: Vec<Slot> = target
        .base
        .schema
        .fields()
        .iter()
        .map(|field| Slot {
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            was: Some(field.name().clone()),
        })
        .collect();
    let mut rewrites = false;
    for change in &it.changes {
        rewrites |= apply(&target, &mut slots, change).await?;
    }
    let fields: Vec<Field> = slots.iter().map(|slot| Field::new(&slot.name, slot.data_type.clone(), true)).collect();
    let stored = storable_schema(&Schema::new(fields))?;
    if *stored == *target.base.schema {
        return Ok(changed(verb, target.name, None));
    }
    let request = run.request(&target.name);
    let mut change = TableChange { base: Some(target.base.clone()), operation: Some(verb), ..TableChange::default() };
    if rewrites && !target.base.files.is_empty() {
        let table = FileTable::of(&target.base);
        let bytes = table.bytes();
        let expressions: Vec<Expr> = slots
            .iter()
            .zip(engine_schema(&stored).fields())
            .map(|(slot, field)| {
                let value = match &slot.was {
                    Some(was) => Expr::Column(Column::from_name(was)),
                    None => Expr::Literal(ScalarValue::Null, None),
                };
                cast(value, field.data_type().clone()).alias(&slot.name)
            })
            .collect();
        let plan = LogicalPlanBuilder::scan("altered", provider_as_source(Arc::new(table)), None)
            .and_then(|plan| plan.project(expressions))
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        let rows = run.inner.engine.stream(&Planned { plan, bytes }).await?;
        change.added = write_stream(&request.output(stored.clone())?, rows).await?.parts;
        change.removed = target.base.files.to_vec();
    }
    let staged = StagedVersion::table(&request, stored, change)?;
    staged.publish(serde_json::Map::new()).await?;
    Ok(changed(verb, target.name, None))
}

/// Applies one change; tells whether the rows must be written anew.
async fn apply(target: &Target<'_>, slots: &mut Vec<Slot>, change: &ColumnChange) -> Result<bool> {
    match change {
        ColumnChange::Add { name, of_type, if_not_exists } => {
            if let Some(there) = slots.iter().find(|slot| slot.name.eq_ignore_ascii_case(name)) {
                return match if_not_exists {
                    true => Ok(false),
                    false => Err(Error::user(format!("'{}' has a column '{}' already", target.name, there.name))
                        .hint("write 'add column if not exists' when that is fine")),
                };
            }
            slots.push(Slot { name: name.clone(), data_type: data_type(target, of_type, name)?, was: None });
            // A column that was dropped before is in no file any more, so that nothing of it comes back.
            Ok(false)
        }
        ColumnChange::Drop { name, if_exists } => match slots.iter().position(|slot| slot.name == *name) {
            None if *if_exists => Ok(false),
            None => Err(unknown(target, slots, name)),
            Some(_) if slots.len() == 1 => {
                Err(Error::user(format!("'{name}' is the only column of '{}'", target.name)).hint("drop the table"))
            }
            Some(at) => Ok(slots.remove(at).was.is_some()),
        },
        ColumnChange::Rename { from, to } => {
            if slots.iter().any(|slot| slot.name.eq_ignore_ascii_case(to) && slot.name != *from) {
                return Err(Error::user(format!("'{}' has a column '{to}' already", target.name)));
            }
            let Some(at) = slots.iter().position(|slot| slot.name == *from) else {
                return Err(unknown(target, slots, from));
            };
            slots[at].name.clone_from(to);
            Ok(true)
        }
        ColumnChange::Retype { name, of_type } => {
            let Some(at) = slots.iter().position(|slot| slot.name == *name) else {
                return Err(unknown(target, slots, name));
            };
            let wanted = data_type(target, of_type, name)?;
            if slots[at].data_type == wanted {
                return Ok(false);
            }
            if let Some(was) = slots[at].was.clone() {
                check_lossless(target, &was, &slots[at].data_type, &wanted).await?;
            }
            slots[at].data_type = wanted;
            Ok(true)
        }
    }
}

fn unknown(target: &Target<'_>, slots: &[Slot], name: &str) -> Error {
    let error = Error::user(format!("'{}' has no column '{name}'", target.name));
    match nearest(name, slots.iter().map(|slot| slot.name.as_str())) {
        Some(near) => error.hint(format!("did you mean '{near}'?")),
        None => error,
    }
}

fn data_type(target: &Target<'_>, of_type: &Statement, column: &str) -> Result<DataType> {
    let run = target.run;
    let planned = run.inner.engine.plan_statement(&run.inner.catalog, of_type.clone(), run.options, None)?;
    match Engine::schema_of(&planned.plan).fields().first() {
        Some(field) => storable(field.data_type(), column),
        None => Err(Error::ours(format!("the type of column '{column}' is not known"))),
    }
}

/// Fails when a value of the column would not be the same after there and back. Text is read as the new type, which
/// fails by itself when it cannot be.
async fn check_lossless(target: &Target<'_>, column: &str, from: &DataType, to: &DataType) -> Result<()> {
    if *from == DataType::Utf8 || *to == DataType::Utf8 {
        return Ok(());
    }
    let value = || Expr::Column(Column::from_name(column));
    let back = cast(cast(value(), to.clone()), from.clone());
    let table = FileTable::of(&target.base);
    let bytes = table.bytes();
    let plan = LogicalPlanBuilder::scan("checked", provider_as_source(Arc::new(table)), None)
        .and_then(|plan| plan.filter(binary_expr(back, Operator::IsDistinctFrom, value())))
        .and_then(|plan| plan.aggregate(Vec::<Expr>::new(), vec![count(lit(1)).alias("rows")]))
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let lost = target.run.inner.rows_of(&Planned { plan, bytes }).await?.first().map_or(0, |row| row[0]);
    if lost == 0 {
        return Ok(());
    }
    Err(Error::user(format!("column '{column}' of '{}' cannot become {}", target.name, sql_type(to)))
        .why(format!("{lost} of its values ({}) would change", sql_type(from)))
        .hint("choose a wider type, or write the rows with the conversion that you want into a new table"))
}
