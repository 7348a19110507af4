//! `update`: changed rows are written anew, and taken out where they were.

use std::sync::Arc;

use arrow::array::BooleanArray;
use futures::StreamExt;
use millstream_core::warehouse::Executed;
use millstream_core::{Error, Result};
use millstream_sql::command::Update;
use parking_lot::Mutex;

use super::Run;
use super::positions::{Numbers, Positions};
use super::target::{Target, take};
use crate::stage::TableChange;

pub(super) async fn update(run: &Run<'_>, it: &Update) -> Result<Executed> {
    let target = Target::open(run, &it.table)?;
    target.check_columns(it.assigned())?;
    let columns = target.columns();
    let changed = Arc::new(Mutex::new(Positions::default()));
    let mut written = target.written();
    let rows = target.rows(it.rows(&columns)?).await?.map({
        let (changed, table, width) = (changed.clone(), target.name.clone(), columns.len());
        move |batch| {
            let batch = batch?;
            let numbers = Numbers::of(&batch, 0, 1)?;
            let mut changed = changed.lock();
            for at in (0..batch.num_rows()).filter_map(|row| numbers.at(row)) {
                if !changed.insert(at) {
                    return Err(Error::user(format!("the update of '{table}' has several new values for one row"))
                        .why("a row of the table has more than one partner in 'from'")
                        .hint("make the rows of 'from' unique by what they are joined on"));
                }
            }
            take(&batch, &BooleanArray::from(vec![true; batch.num_rows()]), 2, width)
        }
    });
    written.add(target.write(rows).await?);
    let changed = std::mem::take(&mut *changed.lock());
    let removed = target.take_out(&changed, &mut written).await?;
    let count = changed.len();
    let change =
        TableChange { added: written.release(), removed, rows_new: count, rows_gone: count, ..TableChange::default() };
    target.commit("UPDATE", change, count).await
}
