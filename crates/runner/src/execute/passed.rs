//! Tests that passed, and the rows that they read then: as long as these are the same, they pass again.
//!
//! For refreshes, which come each second and leave most tables as they are. What is known is forgotten with the process
//! that keeps it.
//!
//! Guarantees: only tests whose query depends on nothing but rows are remembered (no time, no chance, see
//! `Failing::is_steady`), and only while all that they read can be told apart by its content. What a test reads is what
//! it refers to.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millstream_core::Result;
use millstream_core::warehouse::Staged;
use millstream_project::Node;

use super::session::Session;

/// Tests that passed, by unique id.
#[derive(Debug, Default)]
pub struct Passed {
    by_test: Mutex<HashMap<String, u64>>,
}

impl Passed {
    fn by_test(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.by_test.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the test passed on these rows.
    pub(crate) fn is_known(&self, test: &Node, content: u64) -> bool {
        self.by_test().get(&test.unique_id) == Some(&content)
    }

    /// Notes how the test ended: `content` is what it read, if it passed.
    pub(crate) fn note(&self, test: &Node, content: Option<u64>) {
        match content {
            Some(content) => self.by_test().insert(test.unique_id.clone(), content),
            None => self.by_test().remove(&test.unique_id),
        };
    }
}

/// What identifies the rows that a test reads now; `None` when that cannot be told.
pub(crate) async fn content(session: &Session, test: &Node, staged: &[Arc<dyn Staged>]) -> Result<Option<u64>> {
    let manifest = &session.project.manifest;
    let mut hasher = DefaultHasher::new();
    let mut open: Vec<&str> = test.depends_on.nodes.iter().map(String::as_str).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let (name, parents) = match (manifest.nodes.get(id), manifest.sources.get(id)) {
            (Some(node), _) => (node.table_name(), Some(node)),
            (None, Some(source)) => (source.table_name(), None),
            (None, None) => return Ok(None),
        };
        // What a view shows is what its inputs hold, and how it shows it is in the test's own plan.
        if let Some(node) = parents.filter(|node| node.is_ephemeral() || node.config.materialized == "view") {
            open.extend(node.depends_on.nodes.iter().map(String::as_str));
            continue;
        }
        let content = match staged.iter().find(|staged| *staged.name() == name) {
            Some(staged) => staged.content(),
            None => match session.pins.get(&name) {
                Some(version) => Some(*version),
                None => session.warehouse.content(&name).await?,
            },
        };
        let Some(content) = content else { return Ok(None) };
        (id, content).hash(&mut hasher);
    }
    Ok(Some(hasher.finish()))
}
