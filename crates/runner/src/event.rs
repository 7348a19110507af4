//! What the runner tells while it works. The binary turns these into lines; the runner never prints.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{NodeResult, Verb};

/// Told what happens, in the order in which it happens. Calls come from several threads, one at a time.
pub trait Events: Send + Sync {
    /// Something happened.
    fn on(&self, event: &Event<'_>);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct SilentEvents;

impl Events for SilentEvents {
    fn on(&self, _event: &Event<'_>) {}
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// Another process holds the workspace; this one waits for it.
    WaitingForLock {
        /// Process id of the holder, where its lock file tells.
        pid: Option<u32>,
    },
    /// Work on the nodes starts.
    RunStarted {
        /// Id of this run, a UUID.
        invocation_id: &'a str,
        /// What is done.
        verb: Verb,
        /// Nodes to carry out.
        total: usize,
        /// Nodes at a time.
        threads: usize,
    },
    /// A node starts.
    NodeStarted {
        /// Which one it is, from 1.
        index: usize,
        /// Of how many.
        total: usize,
        /// dbt's unique id.
        unique_id: &'a str,
        /// What it is, as dbt says it: `table model marts.dim_users`, `test not_null_dim_users_user_id`.
        label: &'a str,
    },
    /// A node ended (or was skipped: then it has no start).
    NodeFinished {
        /// The index that the start had.
        index: usize,
        /// Of how many.
        total: usize,
        /// The same words as at the start.
        label: &'a str,
        /// How it ended.
        result: &'a NodeResult,
    },
    /// A message of a `log(..., info=true)` or `print` in Jinja, or of the runner.
    Note {
        /// One or more lines.
        message: &'a str,
    },
    /// Something that the user should look at; nothing fails for it.
    Warning {
        /// One or more lines.
        message: &'a str,
    },
}

/// Lets one event through at a time, so that what a listener prints is never torn.
pub(crate) struct EventGate {
    listener: Mutex<Arc<dyn Events>>,
    /// Notes that were told.
    told: Mutex<BTreeSet<String>>,
}

impl EventGate {
    pub(crate) fn new(listener: Arc<dyn Events>) -> Self {
        Self { listener: Mutex::new(listener), told: Mutex::default() }
    }
    /// Tells a note unless it was told before.
    pub(crate) fn note_once(&self, message: &str) {
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(message.to_owned()) {
            self.on(&Event::Note { message });
        }
    }
    pub(crate) fn on(&self, event: &Event<'_>) {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).on(event);
    }
}
