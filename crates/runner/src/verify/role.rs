//! What can be recomputed of a node.

use millstream_project::{Node, Project, ResourceType};

use crate::execute::hooks;

/// What a node is to a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A table that its query makes.
    Table,
    /// A view: its text stands for it, nothing is stored.
    View,
    /// Is inlined where it is read.
    Ephemeral,
    /// Is taken as it is stored, for this reason.
    Stored(&'static str),
}

pub(super) fn role(project: &Project, node: &Node) -> Role {
    let config = &node.config;
    match node.resource_type {
        ResourceType::Seed => return Role::Stored("seeds are taken as they were loaded"),
        ResourceType::Snapshot => return Role::Stored("snapshots keep what is not in raw any more"),
        _ => {}
    }
    if node.is_ephemeral() {
        return Role::Ephemeral;
    }
    if node.is_python() {
        return Role::Stored("Python models are not run here");
    }
    if project.materialization(node).is_some() {
        return Role::Stored("its materialization is written in Jinja");
    }
    if hooks::change_own(node) {
        return Role::Stored("a post-hook changes it");
    }
    match config.materialized.as_str() {
        "view" => Role::View,
        "incremental" if config.full_refresh == Some(false) => {
            Role::Stored("'full_refresh: false' says that its history cannot be rebuilt")
        }
        _ => Role::Table,
    }
}
