//! Tests of the common forms, asked without planning anything: where they found nothing before, the rows of new files
//! alone are looked at, and their keys in indexes.
//!
//! Guarantees: where it says that a query gives no row, the query gives none. That holds as long as the query names the
//! tables themselves, not views, and its last answer was empty. Whatever cannot be told is asked as a whole.
//!
//! - [`rows`]: each row for itself.
//! - [`unique`]: keys that two rows have.
//! - [`reference`]: keys that another table does not have.

mod reference;
mod rows;
mod side;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
mod unique;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;
use millstream_core::warehouse::QueryOptions;
use millstream_core::{Result, TableName};

use crate::log::Snapshot;
use crate::warehouse::Inner;
use reference::ReferenceTest;
use rows::RowTest;
use side::Side;
use unique::UniqueTest;

/// Versions of tables, by name.
pub(super) type Tables = BTreeMap<TableName, Arc<Snapshot>>;

/// A test of a common form.
#[derive(Debug, Clone)]
pub(super) struct DirectTest(Form);

#[derive(Debug, Clone)]
enum Form {
    Rows(RowTest),
    Unique(UniqueTest),
    Reference(Box<ReferenceTest>),
}

impl DirectTest {
    /// Of a query and its plan in normal form; `None` when it has another form.
    pub(super) fn of(inner: &Inner, plan: &LogicalPlan, sql: &str, options: &QueryOptions) -> Result<Option<Self>> {
        let rows = || RowTest::of(&inner.engine, plan).map(Form::Rows);
        let unique = || UniqueTest::of(inner, plan).map(Form::Unique);
        let reference = || ReferenceTest::of(inner, plan).map(Box::new).map(Form::Reference);
        let Some(form) = rows().or_else(unique).or_else(reference) else { return Ok(None) };
        // A view has another name than the table below it, and may become another view.
        let statement = millstream_sql::parse_one_in(options.dialect, sql)?;
        let mut named = millstream_sql::table_refs(&statement);
        let count = named.len();
        let found = Self(form);
        for side in found.sides() {
            let name = [side.name.schema.clone(), side.name.name.clone()];
            named.retain(|it| !it.parts.ends_with(&name));
        }
        Ok((named.is_empty() && count == found.sides().len()).then_some(found))
    }

    fn sides(&self) -> Vec<&Side> {
        match &self.0 {
            Form::Rows(test) => vec![&test.failing],
            Form::Unique(test) => vec![&test.keyed],
            Form::Reference(test) => vec![&test.child, &test.parent],
        }
    }

    /// What the query reads now, if it gives no row, as it did of `before`; `None` when that must be asked otherwise.
    pub(super) async fn clean(&self, inner: &Inner, before: &Tables, options: &QueryOptions) -> Result<Option<Tables>> {
        let mut moved = Vec::new();
        for side in self.sides() {
            let Some(one) = side.moved(inner, before, options)? else { return Ok(None) };
            moved.push(one);
        }
        let is_clean = match (&self.0, moved.as_slice()) {
            (Form::Rows(test), [table]) => test.is_clean(&inner.engine, table).await?,
            (Form::Unique(test), [table]) => test.is_clean(inner, table).await?,
            (Form::Reference(test), [child, parent]) => test.is_clean(inner, child, parent).await?,
            _ => false,
        };
        let names = self.sides().into_iter().map(|side| side.name.clone());
        let now: Tables = names.zip(moved.into_iter().map(|moved| moved.now)).collect();
        Ok(is_clean.then_some(now))
    }
}
