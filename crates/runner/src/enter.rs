//! The way into a workspace: the lock, and what is done when an earlier run died.
//!
//! Guarantees: a run that ended without saying so is marked as interrupted by the next one of its kind (of ingestions:
//! by the next one that finds no other at work); what it had written and not published is removed, provided that
//! nobody else is writing at that moment (else it stays until another run dies). Nothing that a reader can see is ever
//! removed.

use std::time::Duration;

use millstream_core::{Result, TableName};

use crate::history::{BUILD_COMMANDS, INGEST_COMMANDS, Scope, WITHOUT_LOCK};
use crate::lock::{self, FILES_LOCK, WorkspaceLock};
use crate::{Cancel, Event, Runner};

/// The right to ingest into some tables, until it is dropped.
#[derive(Debug)]
pub(crate) struct IngestLock {
    // Held for their effect.
    _shared: WorkspaceLock,
    _tables: Vec<WorkspaceLock>,
}

impl Runner {
    /// Takes the lock of the scope, if it has one, and tidies up.
    pub(crate) async fn enter(&self, scope: Scope, wait: Duration, cancel: &Cancel) -> Result<Option<WorkspaceLock>> {
        if scope == Scope::Read {
            return Ok(None);
        }
        let lock = WorkspaceLock::take(&self.workspace, lock::BUILD, wait, cancel, self.events.as_ref()).await?;
        let died = self.store.mark_interrupted(&BUILD_COMMANDS)?;
        // Taking it alone is how to know that nobody ingests.
        self.tidy_up(died, lock::INGEST).await?;
        Ok(Some(lock))
    }

    /// Takes the locks of the tables that are to be filled, and tidies up when nobody else ingests.
    pub(crate) async fn enter_tables(
        &self,
        tables: impl IntoIterator<Item = &TableName>,
        wait: Duration,
        cancel: &Cancel,
    ) -> Result<IngestLock> {
        if let Some(_alone) = WorkspaceLock::try_take(&self.workspace, lock::INGEST)? {
            let died = self.store.mark_interrupted(&INGEST_COMMANDS)?;
            self.tidy_up(died, lock::BUILD).await?;
        }
        let shared = WorkspaceLock::share(&self.workspace, lock::INGEST, cancel).await?;
        let mut files: Vec<String> = tables.into_iter().map(|table| format!("locks/ingest-{table}")).collect();
        // In one order everywhere, so that two that want several never wait for each other.
        files.sort();
        let mut locks = Vec::with_capacity(files.len());
        for file in files {
            let events = self.events.as_ref();
            locks.push(WorkspaceLock::take(&self.workspace, &file, wait, cancel, events).await?);
        }
        Ok(IngestLock { _shared: shared, _tables: locks })
    }

    /// Removes what dead runs have left, if there are any and nobody writes. `others` is the lock of the writers whose
    /// own lock the caller does not have.
    async fn tidy_up(&self, died: usize, others: &str) -> Result<()> {
        let Some(_files) = WorkspaceLock::try_take(&self.workspace, FILES_LOCK)? else { return Ok(()) };
        // Whoever wrote files without one of the other locks has ended, or died.
        if died + self.store.mark_interrupted(WITHOUT_LOCK)? == 0 {
            return Ok(());
        }
        let Some(_others) = WorkspaceLock::try_take(&self.workspace, others)? else { return Ok(()) };
        let removed = self.warehouse.remove_leftovers().await?;
        let message = format!("an earlier run was interrupted; {removed} files that it had not published were removed");
        self.events.on(&Event::Note { message: &message });
        Ok(())
    }
}
