//! Why a model cannot be built in parts.
//!
//! Guarantees: what an interval of a model replaces are rows of this interval, and the rows that it keeps are those of
//! all others. Models of which that cannot be known are refused before anything runs. (What the rows of an interval
//! really are is looked at again when they are written, see `materialize/incremental/overwrite.rs`.)

use millstream_core::warehouse::RelationKind;
use millstream_core::{Error, Result};
use millstream_project::{Node, Window};

use crate::Runner;
use crate::materialize::incremental::overwrite;

/// What is in the way, and what to do about it.
pub(super) struct Obstacle {
    pub(super) what: String,
    pub(super) hint: String,
}

fn obstacle(what: impl Into<String>, hint: impl Into<String>) -> Option<Obstacle> {
    Some(Obstacle { what: what.into(), hint: hint.into() })
}

impl Runner {
    /// Why an incremental model cannot be built in these intervals.
    ///
    /// # Errors
    /// The warehouse cannot be read.
    pub(super) async fn obstacle(&self, node: &Node, intervals: &[Window]) -> Result<Option<Obstacle>> {
        if node.config.full_refresh == Some(true) {
            let what = "is made whole each time (full_refresh: true): an interval would be all that is left of it";
            return Ok(obstacle(what, "take full_refresh out of its config, or leave the model out"));
        }
        if node.is_microbatch() {
            return Ok(None);
        }
        if let Some(found) = replacing(node, intervals).or_else(|| self.reading(node)) {
            return Ok(Some(found));
        }
        let found = self.warehouse.relation(&node.table_name()).await?;
        if found.is_some_and(|relation| relation.kind == RelationKind::Table) {
            return Ok(None);
        }
        let what = "has no table yet: it would be made of one interval alone";
        Ok(obstacle(what, format!("make it first: millstream build --select {}", node.name)))
    }

    /// Why the rows of an interval cannot be told from others among what a model reads.
    fn reading(&self, node: &Node) -> Option<Obstacle> {
        let manifest = &self.project.manifest;
        let has_time = |id: &String| {
            let of_node = manifest.nodes.get(id).and_then(|node| node.config.event_time.as_ref());
            of_node.or_else(|| manifest.sources.get(id)?.event_time.as_ref()).is_some()
        };
        if node.depends_on.nodes.iter().any(has_time) {
            return None;
        }
        let hint = "declare event_time: on what it reads, or leave the model out";
        obstacle("reads nothing that has an event_time", hint)
    }
}

/// Why the rows of an interval do not take the place of those that are there.
fn replacing(node: &Node, intervals: &[Window]) -> Option<Obstacle> {
    let of_partitions = |error: Error| obstacle(format!("cannot be built: {}", error.what()), "mend its partition_by");
    match node.config.incremental_strategy.as_deref() {
        Some("insert_overwrite") => match overwrite::nests(node, intervals) {
            Ok(true) => None,
            Ok(false) => obstacle(
                "replaces partitions that do not lie within the intervals: rows of other intervals would be gone",
                "partition it by its own event_time, in parts that are no longer than an interval, or make it a \
                 microbatch model",
            ),
            Err(error) => of_partitions(error),
        },
        Some("append") => appends(),
        _ if node.config.unique_key.is_empty() => appends(),
        _ => None,
    }
}

fn appends() -> Option<Obstacle> {
    obstacle("appends: its rows would be there twice", "give it a unique_key, or make it a microbatch model")
}
