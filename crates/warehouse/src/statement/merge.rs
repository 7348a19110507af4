//! `merge`: one pass over the joined rows says what becomes of each; a row of the table that two rows of the source
//! would change is an error, as the SQL standard has it.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use futures::StreamExt;
use millstream_core::warehouse::Executed;
use millstream_core::{Error, Result, TableName};
use millstream_sql::command::{Merge, MergeDoes};
use parking_lot::Mutex;

use super::Run;
use super::positions::{Numbers, Positions};
use super::target::{Target, take};
use crate::stage::TableChange;

/// What the clauses have done so far.
struct Tally {
    table: TableName,
    does: Vec<MergeDoes>,
    columns: usize,
    /// Rows that are updated or deleted.
    touched: Positions,
    /// Rows that have a partner in the source.
    matched: Positions,
    inserted: u64,
    updated: u64,
    deleted: u64,
}

pub(super) async fn merge(run: &Run<'_>, it: &Merge) -> Result<Executed> {
    let target = Target::open(run, &it.table)?;
    target.check_columns(it.named_columns())?;
    let columns = target.columns();
    let tally = Arc::new(Mutex::new(Tally {
        table: target.name.clone(),
        does: it.clauses().collect(),
        columns: columns.len(),
        touched: Positions::default(),
        matched: Positions::default(),
        inserted: 0,
        updated: 0,
        deleted: 0,
    }));
    let mut written = target.written();
    let joined = target.rows(it.rows(&columns)?).await?;
    let rows = joined.map({
        let tally = tally.clone();
        move |batch| tally.lock().apply(&batch?, true)
    });
    written.add(target.write(rows).await?);
    if it.has_not_in_source() {
        let alone = target.rows(it.unmatched(&columns)?).await?;
        let rows = alone.map({
            let tally = tally.clone();
            move |batch| tally.lock().apply(&batch?, false)
        });
        written.add(target.write(rows).await?);
    }
    let Some(tally) = Arc::into_inner(tally).map(Mutex::into_inner) else {
        return Err(Error::ours("a merge is still running when it should have ended"));
    };
    let removed = target.take_out(&tally.touched, &mut written).await?;
    let change = TableChange {
        added: written.release(),
        removed,
        rows_new: tally.inserted + tally.updated,
        rows_gone: tally.updated + tally.deleted,
        ..TableChange::default()
    };
    target.commit("MERGE", change, tally.inserted + tally.updated + tally.deleted).await
}

impl Tally {
    /// Notes what becomes of the rows of a batch (file, row, clause, values), and gives those that are written.
    fn apply(&mut self, batch: &RecordBatch, is_joined: bool) -> Result<RecordBatch> {
        let numbers = Numbers::of(batch, 0, 1)?;
        let clauses = arrow::compute::cast(batch.column(2), &DataType::Int64)
            .map_err(|error| Error::ours("a clause of a merge has no number").why(error))?;
        let clauses = clauses.as_primitive::<Int64Type>();
        let mut keep = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let at = numbers.at(row);
            if let Some(at) = at {
                if is_joined {
                    self.matched.insert(at);
                } else if self.matched.contains(at) {
                    keep.push(false);
                    continue;
                }
            }
            let clause = if clauses.is_null(row) { None } else { usize::try_from(clauses.value(row)).ok() };
            let does = clause.and_then(|clause| self.does.get(clause)).copied();
            if let (Some(MergeDoes::Update | MergeDoes::Delete), Some(at)) = (does, at)
                && !self.touched.insert(at)
            {
                return Err(Error::user(format!("the merge would change a row of '{}' twice", self.table))
                    .why("more than one row of the source matches it")
                    .hint(
                        "make the rows of the source unique by what 'on' compares, \
                           for example with qualify row_number() over (partition by …) = 1",
                    ));
            }
            match does {
                Some(MergeDoes::Insert) => self.inserted += 1,
                Some(MergeDoes::Update) => self.updated += 1,
                Some(MergeDoes::Delete) => self.deleted += 1,
                None => {}
            }
            keep.push(matches!(does, Some(MergeDoes::Insert | MergeDoes::Update)));
        }
        take(batch, &keep.into(), 3, self.columns)
    }
}
