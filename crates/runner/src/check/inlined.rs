//! Ephemeral models that are part of what a request builds: those that something built reads, directly or through
//! others. Any other is never carried out, and its SQL may be anything (a stand-in that only has to be in the graph).

use std::collections::HashSet;

use millstream_project::{Manifest, Node, ResourceType};

/// The ids of such models, given the nodes of the request.
pub(super) fn of(manifest: &Manifest, order: &[String]) -> HashSet<String> {
    let is_built = |node: &&Node| !node.is_ephemeral() && node.resource_type != ResourceType::Analysis;
    let built = order.iter().filter_map(|id| manifest.node(id)).filter(is_built);
    let mut open: Vec<&String> = built.flat_map(|node| &node.depends_on.nodes).collect();
    let mut found = HashSet::new();
    while let Some(id) = open.pop() {
        let Some(node) = manifest.node(id).filter(|node| node.is_ephemeral()) else { continue };
        if found.insert(id.clone()) {
            open.extend(&node.depends_on.nodes);
        }
    }
    found
}
