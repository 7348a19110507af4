//! The way into a workspace: the lock, and what is done when an earlier run died.
//!
//! Guarantees: a run that ended without saying so is marked as interrupted by the next one of its kind; what it had
//! written and not published is removed, provided that nobody else is writing at that moment (else it stays until
//! another run dies). Nothing that a reader can see is ever removed.

use std::time::Duration;

use millstream_core::Result;

use crate::history::Scope;
use crate::{Cancel, Event, Runner, WorkspaceLock};

impl Runner {
    /// Takes the lock of the scope, if it has one, and tidies up.
    pub(crate) async fn enter(&self, scope: Scope, wait: Duration, cancel: &Cancel) -> Result<Option<WorkspaceLock>> {
        let Some(file) = scope.lock_file() else { return Ok(None) };
        let lock = WorkspaceLock::take(&self.workspace, file, wait, cancel, self.events.as_ref()).await?;
        if self.store.mark_interrupted(scope.commands())? > 0 {
            self.tidy_up(scope, cancel).await?;
        }
        Ok(Some(lock))
    }

    async fn tidy_up(&self, scope: Scope, cancel: &Cancel) -> Result<()> {
        let others = if scope == Scope::Ingest { Scope::Build } else { Scope::Ingest };
        let Some(file) = others.lock_file() else { return Ok(()) };
        let events = self.events.as_ref();
        let Ok(_lock) = WorkspaceLock::take(&self.workspace, file, Duration::ZERO, cancel, events).await else {
            return Ok(());
        };
        let removed = self.warehouse.remove_leftovers().await?;
        let message = format!("an earlier run was interrupted; {removed} files that it had not published were removed");
        events.on(&Event::Note { message: &message });
        Ok(())
    }
}
