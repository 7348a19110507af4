//! The way into a workspace: the lock, and what is done when an earlier run died.
//!
//! Guarantees: a run that ended without saying so is marked as interrupted by the next one of its kind; what it had
//! written and not published is removed, provided that nobody else is writing at that moment (else it stays until
//! another run dies). Nothing that a reader can see is ever removed.

use std::time::Duration;

use millstream_core::Result;

use crate::history::{Scope, WITHOUT_LOCK};
use crate::lock::FILES_LOCK;
use crate::{Cancel, Event, Runner, WorkspaceLock};

impl Runner {
    /// Takes the lock of the scope, if it has one, and tidies up.
    pub(crate) async fn enter(&self, scope: Scope, wait: Duration, cancel: &Cancel) -> Result<Option<WorkspaceLock>> {
        let Some(file) = scope.lock_file() else { return Ok(None) };
        let lock = WorkspaceLock::take(&self.workspace, file, wait, cancel, self.events.as_ref()).await?;
        let died = self.store.mark_interrupted(scope.commands())?;
        self.tidy_up(scope, died, cancel).await?;
        Ok(Some(lock))
    }

    async fn tidy_up(&self, scope: Scope, died: usize, cancel: &Cancel) -> Result<()> {
        let events = self.events.as_ref();
        let alone = WorkspaceLock::take(&self.workspace, FILES_LOCK, Duration::ZERO, cancel, events).await;
        let Ok(_alone) = alone else { return Ok(()) };
        // Whoever wrote files without one of the other locks has ended, or died.
        if died + self.store.mark_interrupted(WITHOUT_LOCK)? == 0 {
            return Ok(());
        }
        let others = if scope == Scope::Ingest { Scope::Build } else { Scope::Ingest };
        let Some(file) = others.lock_file() else { return Ok(()) };
        let Ok(_lock) = WorkspaceLock::take(&self.workspace, file, Duration::ZERO, cancel, events).await else {
            return Ok(());
        };
        let removed = self.warehouse.remove_leftovers().await?;
        let message = format!("an earlier run was interrupted; {removed} files that it had not published were removed");
        events.on(&Event::Note { message: &message });
        Ok(())
    }
}
