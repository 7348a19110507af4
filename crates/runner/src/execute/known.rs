//! What refreshes, which come each second and leave most tables as they are, need not do again: tests and models that read
//! the same rows as before, and texts that render as before. It is forgotten with the process that keeps it.
//!
//! Guarantees: only what depends on nothing but rows is remembered (no time, no chance, see `Failing::is_steady` and
//! `CompiledNode::is_steady`), and only while all that it reads can be told apart by its content. What a node reads is
//! what it refers to.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use millstream_core::Result;
use millstream_core::warehouse::{RefreshPath, RefreshReport, Staged};
use millstream_project::Node;

use super::session::Session;

/// How long a model is passed over because it reads the same rows. Then it is refreshed all the same, so that the
/// versions that it has consumed never fall behind what the logs of its inputs hold.
const PASSED_OVER_MAX: TimeDelta = TimeDelta::minutes(10);

/// What is known, by unique id.
#[derive(Debug, Default)]
pub struct Known {
    contents: Mutex<HashMap<String, (u64, DateTime<Utc>)>>,
    texts: Mutex<HashMap<String, Text>>,
}

/// SQL that a node always renders to.
#[derive(Debug, Clone)]
struct Text {
    sql: Arc<str>,
    /// Where it was written, from the project folder.
    path: Option<String>,
    /// Of what was written to `target/run`.
    run: Option<u64>,
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    /// Whether the test passed on these rows.
    pub(crate) fn has_passed(&self, test: &Node, content: u64) -> bool {
        locked(&self.contents).get(&test.unique_id).is_some_and(|(known, _)| *known == content)
    }

    /// Whether the model was refreshed from these rows, and not too long ago.
    pub(super) fn is_refreshed(&self, model: &Node, content: u64, now: DateTime<Utc>) -> bool {
        let known = locked(&self.contents).get(&model.unique_id).copied();
        known.is_some_and(|(known, at)| known == content && now - at < PASSED_OVER_MAX)
    }

    /// Notes how the node ended: `content` is what it read, if it ended well.
    pub(crate) fn note(&self, node: &Node, content: Option<u64>, now: DateTime<Utc>) {
        match content {
            Some(content) => drop(locked(&self.contents).insert(node.unique_id.clone(), (content, now))),
            None => drop(locked(&self.contents).remove(&node.unique_id)),
        }
    }

    /// What the node always renders to, and the file that says so.
    pub(super) fn text(&self, node: &Node) -> Option<(Arc<str>, Option<String>)> {
        locked(&self.texts).get(&node.unique_id).map(|text| (Arc::clone(&text.sql), text.path.clone()))
    }

    /// Notes what the node always renders to.
    pub(super) fn note_text(&self, node: &Node, sql: &str, path: Option<String>) {
        let text = Text { sql: sql.into(), path, run: None };
        locked(&self.texts).insert(node.unique_id.clone(), text);
    }

    /// Whether this was carried out for the node last, which is remembered, as long as its text is known.
    pub(super) fn is_written(&self, node: &Node, run_sql: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        run_sql.hash(&mut hasher);
        let run = Some(hasher.finish());
        let mut texts = locked(&self.texts);
        texts.get_mut(&node.unique_id).is_some_and(|text| std::mem::replace(&mut text.run, run) == run)
    }
}

/// Whether a refresh of this kind says that the same rows give the same again.
pub(super) fn is_steady(report: Option<&RefreshReport>) -> bool {
    report.is_some_and(|report| report.path != RefreshPath::Full && !report.is_momentary)
}

/// What identifies the rows that a node reads now; `None` when that cannot be told.
pub(crate) async fn content(session: &Session, node: &Node, staged: &[Arc<dyn Staged>]) -> Result<Option<u64>> {
    let manifest = &session.project.manifest;
    let mut hasher = DefaultHasher::new();
    let mut open: Vec<&str> = node.depends_on.nodes.iter().map(String::as_str).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let (name, parent) = match (manifest.nodes.get(id), manifest.sources.get(id)) {
            (Some(node), _) => (node.table_name(), Some(node)),
            (None, Some(source)) => (source.table_name(), None),
            (None, None) => return Ok(None),
        };
        // What a view shows is what its inputs hold, in the way that it says.
        if let Some(parent) = parent.filter(|node| node.is_ephemeral() || node.config.materialized == "view") {
            open.extend(parent.depends_on.nodes.iter().map(String::as_str));
            if parent.is_ephemeral() {
                continue;
            }
        }
        let content = match staged.iter().find(|staged| *staged.name() == name) {
            Some(staged) => staged.content(),
            None => session.warehouse.content(&name, session.pins.get(&name).copied()).await?,
        };
        let Some(content) = content else { return Ok(None) };
        (id, content).hash(&mut hasher);
    }
    Ok(Some(hasher.finish()))
}

/// As [`content`], of a model's inputs and of its own rows.
pub(super) async fn with_own(session: &Session, model: &Node, inputs: u64) -> Result<Option<u64>> {
    let own = session.warehouse.content(&model.table_name(), None).await?;
    Ok(own.map(|own| {
        let mut hasher = DefaultHasher::new();
        (inputs, own).hash(&mut hasher);
        hasher.finish()
    }))
}
