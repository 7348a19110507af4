//! What a check found.

use millstream_core::{Diagnostic, Diagnostics, Result};

/// How a node stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckState {
    /// Nothing is wrong with it.
    Passed,
    /// It would fail.
    Failed,
    /// It cannot be judged before running; why not.
    Unknown(String),
    /// It is below one that has problems or is unknown; which one.
    Skipped(String),
}

impl CheckState {
    /// One word for listings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unknown(_) => "unknown",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Why the node was not judged.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Unknown(reason) | Self::Skipped(reason) => Some(reason),
            Self::Passed | Self::Failed => None,
        }
    }
}

/// One node of a check.
#[derive(Debug, Clone)]
pub struct NodeCheck {
    /// dbt's unique id.
    pub unique_id: String,
    /// `model`, `test`, `seed`, `snapshot` or `analysis`.
    pub resource_type: String,
    /// Its name.
    pub name: String,
    /// Its file, from the project folder.
    pub path: String,
    /// How it stands.
    pub state: CheckState,
    /// What is wrong with it, each with its place.
    pub problems: Vec<Diagnostic>,
}

/// A whole check.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// Every node, parents before children.
    pub nodes: Vec<NodeCheck>,
}

impl CheckReport {
    /// Whether nothing is wrong, as far as can be known.
    pub fn is_success(&self) -> bool {
        self.nodes.iter().all(|node| node.state != CheckState::Failed)
    }

    /// Nodes that stand like this, by the word for it.
    pub fn count(&self, state: &str) -> usize {
        self.nodes.iter().filter(|node| node.state.name() == state).count()
    }

    /// One user error that tells every problem, or `Ok` when there is none.
    pub fn into_result(self) -> Result<()> {
        self.diagnostics().into_result("queries of the project cannot run").map(|_| ())
    }

    /// Every problem of every node.
    pub fn diagnostics(&self) -> Diagnostics {
        let mut all = Diagnostics::new();
        for problem in self.nodes.iter().flat_map(|node| &node.problems) {
            all.push(problem.clone());
        }
        all
    }
}
