//! Node selection: dbt's `--select`/`--exclude`/`--selector` syntax.

use std::str::FromStr;

use millstream_core::Error;

use crate::manifest::ResourceType;

/// How tests are drawn in when what they test is selected (`--indirect-selection`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndirectSelection {
    /// Every test that reads a selected node.
    #[default]
    Eager,
    /// Only tests all of whose parents are selected.
    Cautious,
    /// Tests all of whose parents are selected or ancestors of selected nodes.
    Buildable,
    /// No test.
    Empty,
}

impl FromStr for IndirectSelection {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "eager" => Ok(Self::Eager),
            "cautious" => Ok(Self::Cautious),
            "buildable" => Ok(Self::Buildable),
            "empty" => Ok(Self::Empty),
            _ => Err(Error::usage(format!("'{text}' is not an indirect selection"))
                .hint("use one of: eager, cautious, buildable, empty")),
        }
    }
}

/// Which nodes a command works on. The default selects everything.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// `--select`: each element is one flag value; space inside means union, comma intersection.
    pub select: Vec<String>,
    /// `--exclude`, same syntax.
    pub exclude: Vec<String>,
    /// `--selector`: name of a definition in `selectors.yml`; excludes `select`.
    pub selector: Option<String>,
    /// `--resource-type`: only these types. `None`: all.
    pub resource_types: Option<Vec<ResourceType>>,
    /// `--exclude-resource-type`.
    pub exclude_resource_types: Vec<ResourceType>,
    /// How tests are drawn in.
    pub indirect: IndirectSelection,
}

/// What a selection yields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// Unique ids in topological order: parents before children, otherwise sorted.
    pub ids: Vec<String>,
    /// Criteria that matched nothing and the like, one sentence each.
    pub warnings: Vec<String>,
}
