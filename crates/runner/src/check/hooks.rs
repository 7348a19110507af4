//! Hooks, whose effects nobody can know: where one may change the columns of a relation, what reads it is not blamed.
//!
//! Guarantees: a problem that a hook could make go away is no problem. Hooks that only grant, or that change rows, are
//! known to leave columns alone; one that calls a macro may do anything.

use std::collections::HashSet;

use millstream_core::Diagnostic;
use millstream_project::{Hook, Manifest, Node, ResourceType};

/// Words of statements that change what relations there are, or their columns.
const CHANGING: [&str; 5] = ["alter", "create", "drop", "rename", "swap"];

/// Codes of problems that other columns of a parent would not take away.
const CERTAIN: [&str; 6] =
    ["jinja", "bad-sql", "unknown-function", "unknown-materialization", "bad-seed", "bad-config"];

/// The hooks of a project.
pub(super) struct Hooks {
    /// Whether there are any.
    pub(super) any: bool,
    /// Whether one that runs before a model's query may change what exists.
    early: bool,
    /// Nodes whose own post-hooks may change their columns.
    after: HashSet<String>,
}

impl Hooks {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let nodes = || manifest.nodes.values();
        let changes = |hooks: &[Hook]| hooks.iter().any(|hook| may_change(&hook.sql));
        let at_start = |node: &Node| {
            node.resource_type == ResourceType::Operation
                && node.name.contains("on-run-start")
                && may_change(&node.raw_code)
        };
        Self {
            any: nodes().any(|node| {
                node.resource_type == ResourceType::Operation
                    || !node.config.pre_hook.is_empty()
                    || !node.config.post_hook.is_empty()
            }),
            early: nodes().any(|node| at_start(node) || changes(&node.config.pre_hook)),
            after: nodes().filter(|node| changes(&node.config.post_hook)).map(|node| node.unique_id.clone()).collect(),
        }
    }

    /// Why these problems of a node may be none: a hook may change what it reads.
    pub(super) fn doubt(
        &self,
        node: &Node,
        problems: &[Diagnostic],
        is_built: impl Fn(&str) -> bool,
    ) -> Option<String> {
        if problems.iter().any(|problem| CERTAIN.contains(&problem.code)) {
            return None;
        }
        node.depends_on.nodes.iter().find_map(|parent| {
            if self.after.contains(parent) {
                return Some(format!("a post-hook of {parent} may change its columns"));
            }
            (self.early && !is_built(parent)).then(|| format!("a hook may change the columns of {parent}"))
        })
    }
}

fn may_change(text: &str) -> bool {
    let text = text.to_lowercase().replace("{{ this }}", "").replace("{{this}}", "");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.contains("{{") || text.contains("{%") || text.split(|c| !is_word(c)).any(|word| CHANGING.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::may_change;

    #[test]
    fn grants_and_changes_of_rows_leave_columns_alone() {
        for harmless in
            ["grant select on {{ this }} to role reporter", "delete from {{this}} where id is null", "analyze"]
        {
            assert!(!may_change(harmless), "{harmless}");
        }
        for changing in ["alter table {{ this }} add column x int", "{{ mask_columns() }}", "CREATE TABLE a.b (x int)"]
        {
            assert!(may_change(changing), "{changing}");
        }
    }
}
