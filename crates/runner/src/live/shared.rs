//! What the parts of `up` share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use millstream_core::{Error, Progress, Result, TableName};
use tokio::sync::Notify;

use super::backoff::{Backoff, jitter};
use super::board::Board;
use super::event::{LiveEvent, LiveEvents};
use super::graph::LiveGraph;
use super::pending::Pending;
use super::refresh::Cut;
use super::topic::{Pressure, Topic};
use crate::history::Scope;
use crate::lock::WorkspaceLock;
use crate::{Cancel, Event, Events, Known, Runner};

/// Pauses before a source that cannot be read is tried again.
const SOURCE_AWAY: Backoff = Backoff { first: Duration::from_millis(250), most: Duration::from_secs(30) };

/// Different messages of models that are told; more are passed over, since they would be told every second.
const MESSAGES_TOLD_MAX: usize = 1_000;

/// Shared by the parts of one `up`.
pub(crate) struct Shared {
    /// Tells its notes and warnings once, and nothing of nodes.
    pub(crate) runner: Runner,
    pub(crate) graph: LiveGraph,
    pub(crate) board: Arc<Board>,
    pub(crate) listener: Arc<dyn LiveEvents>,
    /// Asks to end when the work at hand is done.
    pub(crate) soft: Cancel,
    /// Ends the work at hand.
    pub(crate) hard: Cancel,
    /// Told when something is pending.
    pub(crate) wake: Notify,
    /// Topics that are followed.
    pub(crate) topics: Vec<Arc<Topic>>,
    /// Whether memory is short.
    pub(crate) pressure: Pressure,
    /// What refreshes need not do again.
    pub(crate) known: Arc<Known>,
    /// The lock that the refreshes at work have.
    building: tokio::sync::Mutex<Weak<WorkspaceLock>>,
    pending: Mutex<Pending>,
    /// What live nodes need, no refresh builds, and is still to be built, by unique id.
    unbuilt: Mutex<BTreeSet<String>>,
    /// Versions of inputs and models as they are known, so that others' changes are seen.
    versions: Mutex<BTreeMap<String, u64>>,
}

impl Shared {
    pub(crate) fn new(
        runner: &Runner,
        graph: LiveGraph,
        board: Arc<Board>,
        listener: Arc<dyn LiveEvents>,
        soft: Cancel,
    ) -> Self {
        let quiet = Arc::new(ToldOnce { listener: Arc::clone(&listener), told: Mutex::default() });
        let runner = Runner { events: Arc::clone(&quiet) as _, progress: quiet, ..runner.clone() };
        let pending = Mutex::new(Pending::new(&graph));
        let (wake, versions, unbuilt) = (Notify::new(), Mutex::default(), Mutex::default());
        Self {
            runner,
            graph,
            board,
            listener,
            soft,
            hard: Cancel::default(),
            wake,
            topics: Vec::new(),
            pressure: Pressure::default(),
            known: Arc::default(),
            building: tokio::sync::Mutex::default(),
            pending,
            unbuilt,
            versions,
        }
    }

    /// A panic ends the process, so that a poisoned lock is never seen.
    pub(crate) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn unbuilt(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.unbuilt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn versions(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to refresh, which refreshes that go on at once share. Waits so long for others who build; none when it
    /// was asked to end meanwhile: nothing is at work yet that would have time for it.
    ///
    /// # Errors
    /// They still do.
    pub(crate) async fn enter(&self, wait: Duration) -> Result<Option<Arc<WorkspaceLock>>> {
        let mut building = self.building.lock().await;
        let lock = match building.upgrade() {
            Some(lock) => lock,
            None => {
                let lock = match self.runner.enter(Scope::Build, wait, &self.soft).await {
                    Err(_) if self.soft.is_cancelled() => return Ok(None),
                    lock => lock?,
                };
                Arc::new(lock.ok_or_else(|| Error::ours("refreshes have no lock"))?)
            }
        };
        *building = Arc::downgrade(&lock);
        Ok(Some(lock))
    }

    /// What some nodes read while others are refreshed: what is there now, and of raw tables what the cut says.
    ///
    /// # Errors
    /// A table cannot be read.
    pub(crate) async fn cut_beside(&self, cut: &Cut, nodes: &BTreeSet<usize>) -> Result<Cut> {
        let own: BTreeSet<&TableName> = nodes.iter().map(|number| &self.graph.nodes[*number].table).collect();
        let live = self.graph.nodes.iter().map(|node| &node.table);
        let mut cut = cut.clone();
        for table in live.chain(self.graph.inputs.values()) {
            if own.contains(table) || cut.pins.contains_key(table) {
                continue;
            }
            if let Some(state) = self.runner.warehouse.table_state(table).await? {
                cut.pins.insert(table.clone(), state.version);
            }
        }
        Ok(cut)
    }

    /// A source or table has this version now: what reads it has a change waiting, unless the version is known.
    pub(crate) fn changed(&self, unique_id: &str, version: Option<u64>) {
        if let Some(version) = version
            && self.versions().insert(unique_id.to_owned(), version) == Some(version)
        {
            return;
        }
        self.mark(self.graph.downstream(unique_id));
    }

    /// Whether a refresh of this node is going on.
    pub(crate) fn is_at_work(&self, unique_id: &str) -> bool {
        let number = self.graph.nodes.iter().position(|node| node.unique_id == unique_id);
        number.is_some_and(|number| self.pending().is_at_work(number))
    }

    /// These nodes have a change waiting.
    pub(crate) fn mark(&self, nodes: impl IntoIterator<Item = usize>) {
        let nodes: Vec<usize> = nodes.into_iter().collect();
        let now = self.now();
        for number in &nodes {
            self.board.model(&self.graph.nodes[*number].name, |model| {
                model.pending_since.get_or_insert(now);
            });
        }
        self.pending().changed(nodes, Instant::now());
        self.wake.notify_one();
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.runner.clock.now()
    }

    pub(crate) fn jitter(&self) -> f64 {
        jitter(self.runner.ids.as_ref())
    }

    pub(crate) fn tell(&self, event: &LiveEvent<'_>) {
        self.listener.on(event);
    }

    /// Pauses before a source is tried again, unless it is time to end: then at once. Tells why.
    pub(crate) async fn pause_source(&self, source: &str, failures: u32, error: &Error) {
        let retry_in = self.source_away(source, failures, error);
        self.sleep(retry_in).await;
    }

    /// Tells that a source cannot be read, and gives the pause before it is to be tried again.
    pub(crate) fn source_away(&self, source: &str, failures: u32, error: &Error) -> Duration {
        let retry_in = SOURCE_AWAY.pause(failures, self.jitter());
        self.tell(&LiveEvent::SourceDown { source, error, retry_in });
        retry_in
    }

    /// Sleeps, unless it is time to end.
    pub(crate) async fn sleep(&self, span: Duration) {
        tokio::select! {
            () = self.soft.cancelled() => {}
            () = tokio::time::sleep(span) => {}
        }
    }
}

/// Lets each note and warning through once.
struct ToldOnce {
    listener: Arc<dyn LiveEvents>,
    told: Mutex<std::collections::BTreeSet<String>>,
}

impl ToldOnce {
    fn tell(&self, message: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MESSAGES_TOLD_MAX && told.insert(message.to_owned()) {
            drop(told);
            self.listener.on(&LiveEvent::Note { message });
        }
    }
}

impl Events for ToldOnce {
    fn on(&self, event: &Event<'_>) {
        if let Event::Note { message } | Event::Warning { message } = event {
            self.tell(message);
        }
    }
}

impl Progress for ToldOnce {
    fn start(&self, _what: &str, _total: Option<u64>, _unit: &str) {}
    fn set(&self, _done: u64) {}
    fn note(&self, line: &str) {
        self.tell(line);
    }
    fn finish(&self) {}
}
