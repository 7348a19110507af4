//! `delete` and `truncate`.

use futures::StreamExt;
use millstream_core::Result;
use millstream_core::warehouse::Executed;
use millstream_sql::command::{Delete, RelationName};

use super::Run;
use super::positions::{Numbers, Positions};
use super::target::Target;
use crate::stage::TableChange;

pub(super) async fn delete(run: &Run<'_>, it: &Delete) -> Result<Executed> {
    let target = Target::open(run, &it.table)?;
    let Some(query) = &it.rows else { return all(target, "DELETE").await };
    let mut gone = Positions::default();
    let mut rows = std::pin::pin!(target.rows(query.clone()).await?);
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let numbers = Numbers::of(&batch, 0, 1)?;
        // With `using`, a row may come once for each partner.
        for at in (0..batch.num_rows()).filter_map(|row| numbers.at(row)) {
            gone.insert(at);
        }
    }
    let mut written = target.written();
    let removed = target.take_out(&gone, &mut written).await?;
    let change = TableChange { added: written.release(), removed, rows_gone: gone.len(), ..TableChange::default() };
    target.commit("DELETE", change, gone.len()).await
}

pub(super) async fn truncate(run: &Run<'_>, names: &[RelationName], if_exists: bool) -> Result<Executed> {
    let mut done = Executed::new("TRUNCATE");
    for written in names {
        if if_exists && run.kind(&run.name(written)?)?.is_none() {
            continue;
        }
        let one = all(Target::open(run, written)?, "TRUNCATE").await?;
        let rows = done.rows_affected.unwrap_or(0) + one.rows_affected.unwrap_or(0);
        done = Executed { rows_affected: Some(rows), ..one };
    }
    Ok(done)
}

async fn all(target: Target<'_>, verb: &'static str) -> Result<Executed> {
    let rows = target.run.inner.count(&target.base, &target.base.files).await?;
    let removed = target.base.files.to_vec();
    let change = TableChange { removed, is_whole: true, rows_gone: rows, ..TableChange::default() };
    target.commit(verb, change, rows).await
}
