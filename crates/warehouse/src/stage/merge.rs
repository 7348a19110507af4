//! Merge and delete+insert: only files that hold a touched key are rewritten.
//!
//! Keys are compared null-safe. Where the table itself has a key twice, a merge without `update_columns` leaves one
//! row of it, which is what a full rebuild would have.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{Column, JoinType, NullEquality, ScalarValue};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit, when};
use millstream_core::Result;
use millstream_core::warehouse::{Part, Staged};

use super::align::{Aligned, align};
use super::keys::{candidates, check_columns, check_unique, column, scan};
use super::staged::{StagedVersion, TableChange};
use super::{Request, rows};
use crate::engine::{FILE_NUMBER, FileTable, Planned};
use crate::error::from_engine;
use crate::log::schema::engine_schema;
use crate::log::{DataFile, Snapshot};
use crate::tables::data_files;
use crate::write::remove_parts;

/// What predicates may call the table and the query's rows, as in dbt.
const TARGET: &str = "dbt_internal_dest";
const SOURCE: &str = "dbt_internal_source";

/// Says of a row that the other side has its key.
const MATCHED: &str = "__matched";

/// Parts that are removed when the stage fails half-way.
pub(crate) struct Guard<'a> {
    pub request: &'a Request<'a>,
    pub parts: Vec<Part>,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Ok(folder) = self.request.inner.catalog.folder(self.request.name) {
            remove_parts(&folder, &self.parts);
        }
    }
}

/// `update_columns`: `None` for delete+insert, where the source's keys may repeat.
pub(super) async fn merge(
    request: &Request<'_>,
    sql: &str,
    unique_key: &[String],
    update_columns: Option<&[String]>,
    predicates: &[String],
) -> Result<Arc<dyn Staged>> {
    let base = request.base()?;
    let planned = request.plan(sql)?;
    let Aligned { planned, stored, rewrites_all } = align(request, planned, &base)?;
    check_columns(request, unique_key, update_columns.unwrap_or_default(), &stored)?;
    let filter = filter(request, &base, &stored, predicates)?;
    let source = rows::write(request, &planned, stored.clone()).await?;
    let mut guard = Guard { request, parts: source.parts.clone() };
    let merge = Merge { request, base: &base, stored: &stored, unique_key, source: &source.parts, filter };
    if update_columns.is_some() {
        check_unique(request, merge.source(), unique_key).await?;
    }
    let mut change = match update_columns {
        Some(columns) if !columns.is_empty() => merge.update(columns, rewrites_all, &mut guard).await?,
        _ => merge.replace(rewrites_all, &mut guard).await?,
    };
    // From here on the staged version answers for the files.
    guard.parts.retain(|part| !change.added.contains(part));
    drop(guard);
    change.base = Some(base.clone());
    StagedVersion::table(request, stored, change)
}

struct Merge<'a> {
    request: &'a Request<'a>,
    base: &'a Arc<Snapshot>,
    stored: &'a SchemaRef,
    unique_key: &'a [String],
    source: &'a [Part],
    /// What a row of the table must also keep to be matched.
    filter: Option<Expr>,
}

/// Predicates as one condition: on the table alone, or on both sides by their names.
fn filter(request: &Request<'_>, base: &Snapshot, stored: &SchemaRef, predicates: &[String]) -> Result<Option<Expr>> {
    let sides = [(TARGET, base.engine_schema.clone()), (SOURCE, engine_schema(stored))];
    let inner = &request.inner;
    let mut all = Vec::with_capacity(predicates.len());
    for predicate in predicates {
        let on = |sides: &[_]| inner.engine.condition(&inner.catalog, predicate, sides, request.options);
        let condition = match predicate.to_lowercase().contains(SOURCE) {
            true => on(&sides),
            false => on(&sides[..1]).or_else(|error| on(&sides).map_err(|_| error)),
        };
        all.push(condition.map_err(|error| error.context(format!("the predicate '{predicate}' cannot be used")))?);
    }
    Ok(all.into_iter().reduce(Expr::and))
}

impl Merge<'_> {
    fn source(&self) -> FileTable {
        let files = data_files(self.source, 0).collect();
        FileTable::new(&self.base.folder, Arc::new(files), engine_schema(self.stored))
    }

    fn target(&self, files: Vec<Arc<DataFile>>) -> FileTable {
        FileTable::new(&self.base.folder, Arc::new(files), self.base.engine_schema.clone())
    }

    fn rows(&self) -> u64 {
        self.source.iter().map(|part| part.rows).sum()
    }

    /// Joins on the key, null-safe.
    fn join(
        &self,
        left: LogicalPlan,
        right: LogicalPlan,
        join: JoinType,
        names: (&str, &str),
    ) -> Result<LogicalPlanBuilder> {
        let keys = |relation: &str| -> Vec<Column> {
            self.unique_key.iter().map(|key| Column::new(Some(relation), key.as_str())).collect()
        };
        LogicalPlanBuilder::from(left)
            .join_detailed(
                right,
                join,
                (keys(names.0), keys(names.1)),
                self.filter.clone(),
                NullEquality::NullEqualsNull,
            )
            .map_err(from_engine)
    }

    /// Files of the base that hold a key of the source, and how many rows with such keys they have.
    async fn touched(&self) -> Result<(Vec<Arc<DataFile>>, u64)> {
        // A key column that the table does not have yet is null in every row of it.
        let has_keys = self.unique_key.iter().all(|key| self.base.schema.field_with_name(key).is_ok());
        if self.source.is_empty() || !has_keys {
            return Ok((Vec::new(), 0));
        }
        let files = candidates(&self.base.files, self.source, self.unique_key, &self.base.engine_schema);
        if files.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let target = self.target(files.clone()).with_file_numbers();
        let bytes = target.bytes() + self.source().bytes();
        let plan = self
            .join(scan(TARGET, target)?, scan(SOURCE, self.source())?, JoinType::LeftSemi, (TARGET, SOURCE))?
            .aggregate(vec![column(TARGET, FILE_NUMBER)], vec![count(lit(1)).alias("rows")])
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        let found = self.request.inner.rows_of(&Planned { plan, bytes }).await?;
        let numbers: BTreeSet<usize> = found.iter().map(|row| row[0] as usize).collect();
        let touched = files.into_iter().enumerate().filter(|(at, _)| numbers.contains(at)).map(|(_, file)| file);
        Ok((touched.collect(), found.iter().map(|row| row[1]).sum()))
    }

    /// Rows with a key of the source go, the source's rows come.
    async fn replace(&self, rewrites_all: bool, guard: &mut Guard<'_>) -> Result<TableChange> {
        let (touched, matched) = self.touched().await?;
        let removed = if rewrites_all { self.base.files.to_vec() } else { touched };
        let mut added = self.source.to_vec();
        if !removed.is_empty() {
            let target = self.target(removed.clone());
            let bytes = target.bytes() + self.source().bytes();
            let kept = if matched == 0 {
                LogicalPlanBuilder::from(scan(TARGET, target)?)
            } else {
                self.join(scan(TARGET, target)?, scan(SOURCE, self.source())?, JoinType::LeftAnti, (TARGET, SOURCE))?
            };
            let expressions = self.project_target(TARGET);
            let plan = kept.project(expressions).and_then(LogicalPlanBuilder::build).map_err(from_engine)?;
            let kept = rows::write(self.request, &Planned { plan, bytes }, self.stored.clone()).await?;
            guard.parts.extend(kept.parts.iter().cloned());
            added.extend(kept.parts);
        }
        Ok(TableChange { added, removed, rows_new: self.rows(), rows_gone: matched, ..TableChange::default() })
    }

    /// Of matched rows only some columns change; unmatched rows of the source are added.
    async fn update(&self, columns: &[String], rewrites_all: bool, guard: &mut Guard<'_>) -> Result<TableChange> {
        let (touched, matched) = self.touched().await?;
        let removed = if rewrites_all { self.base.files.to_vec() } else { touched.clone() };
        let mut added = Vec::new();
        if !removed.is_empty() {
            let target = self.target(removed.clone());
            let bytes = target.bytes() + self.source().bytes();
            let expressions = self.project_target(TARGET);
            let mut expressions: Vec<Expr> = expressions;
            for (expression, field) in expressions.iter_mut().zip(self.stored.fields()) {
                if columns.contains(field.name()) {
                    let is_matched = column(SOURCE, MATCHED).is_not_null();
                    let old = std::mem::replace(expression, lit(true)).unalias();
                    *expression = when(is_matched, column(SOURCE, field.name()))
                        .otherwise(old)
                        .map_err(from_engine)?
                        .alias(field.name());
                }
            }
            let plan = self
                .join(scan(TARGET, target)?, self.marked_source()?, JoinType::Left, (TARGET, SOURCE))?
                .project(expressions)
                .and_then(LogicalPlanBuilder::build)
                .map_err(from_engine)?;
            let rewritten = rows::write(self.request, &Planned { plan, bytes }, self.stored.clone()).await?;
            guard.parts.extend(rewritten.parts.iter().cloned());
            added.extend(rewritten.parts);
        }
        let mut inserted = self.rows();
        if touched.is_empty() {
            added.extend(self.source.to_vec());
        } else {
            let target = self.target(touched);
            let bytes = target.bytes() + self.source().bytes();
            let plan = self
                .join(scan(SOURCE, self.source())?, scan(TARGET, target)?, JoinType::LeftAnti, (SOURCE, TARGET))?
                .build()
                .map_err(from_engine)?;
            let new = rows::write(self.request, &Planned { plan, bytes }, self.stored.clone()).await?;
            guard.parts.extend(new.parts.iter().cloned());
            inserted = new.rows();
            added.extend(new.parts);
        }
        let rows_new = inserted + matched;
        Ok(TableChange { added, removed, rows_new, rows_gone: matched, ..TableChange::default() })
    }

    fn marked_source(&self) -> Result<LogicalPlan> {
        let source = scan(SOURCE, self.source())?;
        let mut expressions: Vec<Expr> =
            self.stored.fields().iter().map(|field| column(SOURCE, field.name())).collect();
        expressions.push(lit(true).alias(MATCHED));
        LogicalPlanBuilder::from(source)
            .project(expressions)
            .and_then(|plan| plan.alias(SOURCE))
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)
    }

    fn project_target(&self, relation: &str) -> Vec<Expr> {
        project(self.base, self.stored, relation)
    }
}

/// The base's columns as those of the next version: retyped, or null where they are new.
pub(crate) fn project(base: &Snapshot, stored: &SchemaRef, relation: &str) -> Vec<Expr> {
    engine_schema(stored)
        .fields()
        .iter()
        .map(|field| {
            let value = match base.engine_schema.field_with_name(field.name()) {
                Ok(old) if old.data_type() == field.data_type() => column(relation, field.name()),
                Ok(_) => cast(column(relation, field.name()), field.data_type().clone()),
                Err(_) => cast(Expr::Literal(ScalarValue::Null, None), field.data_type().clone()),
            };
            value.alias(field.name())
        })
        .collect()
}

/// Writes every row of the base anew with the next version's columns.
pub(super) async fn rewrite_all(
    request: &Request<'_>,
    base: &Snapshot,
    stored: &SchemaRef,
    change: &mut TableChange,
) -> Result<()> {
    let table = FileTable::of(base);
    let bytes = table.bytes();
    let plan = LogicalPlanBuilder::from(scan(TARGET, table)?)
        .project(project(base, stored, TARGET))
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let rewritten = rows::write(request, &Planned { plan, bytes }, stored.clone()).await?;
    change.added.extend(rewritten.parts);
    change.removed = base.files.to_vec();
    Ok(())
}
