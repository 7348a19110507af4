//! Node selection: dbt's `--select`/`--exclude`/`--selector` syntax.
//!
//! Guarantees: what dbt 1.11 selects for the same project and flags is selected here, in topological order.
//! Methods that compare with another run (`state:`, `result:`, `source_status:`) need its artifacts.

mod criterion;
mod evaluate;
mod methods;
pub(crate) mod selectors_file;
mod spec;
mod state;

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use millstream_core::{Error, Result};

use crate::manifest::ResourceType;
use crate::names::did_you_mean;
use crate::project::Project;
use crate::state::State;
use spec::Spec;

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

/// Which nodes a command works on. The default selects everything but operations.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// `--select`: each element is one flag value; space inside means union, comma intersection.
    pub select: Vec<String>,
    /// `--exclude`, same syntax.
    pub exclude: Vec<String>,
    /// `--selector`: name of a definition in `selectors.yml`; not together with `select` or `exclude`.
    pub selector: Option<String>,
    /// `--resource-type`: only these types. `None`: all but operations.
    pub resource_types: Option<Vec<ResourceType>>,
    /// `--exclude-resource-type`.
    pub exclude_resource_types: Vec<ResourceType>,
    /// How tests are drawn in.
    pub indirect: IndirectSelection,
    /// Artifacts of another run (`--state`), for the methods that compare with them.
    pub state: Option<Arc<State>>,
}

/// What a selection yields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// Unique ids in topological order: parents before children, otherwise sorted.
    pub ids: Vec<String>,
    /// Criteria that matched nothing and the like, one sentence each.
    pub warnings: Vec<String>,
}

pub(crate) fn select(project: &Project, selection: &Selection) -> Result<Selected> {
    let spec = spec_of(project, selection)?;
    let mut evaluation = evaluate::Evaluation::new(project, selection.state.as_deref());
    let chosen = evaluation.run(&spec)?;
    let manifest = &project.manifest;
    let wanted = |unique_id: &&String| {
        let Some(kind) = manifest.resource_type(unique_id) else { return false };
        let included = match &selection.resource_types {
            Some(kinds) => kinds.contains(&kind),
            None => kind != ResourceType::Operation,
        };
        // A node without text has nothing to run; dbt passes over it as well.
        let blank = manifest
            .nodes
            .get(*unique_id)
            .is_some_and(|node| node.resource_type != ResourceType::Seed && node.raw_code.trim().is_empty());
        chosen.contains(*unique_id) && included && !selection.exclude_resource_types.contains(&kind) && !blank
    };
    Ok(Selected { ids: project.order.iter().filter(wanted).cloned().collect(), warnings: evaluation.warnings })
}

fn spec_of(project: &Project, selection: &Selection) -> Result<Spec> {
    let from_flags = !selection.select.is_empty() || !selection.exclude.is_empty();
    let selector = match &selection.selector {
        Some(_) if from_flags => {
            return Err(Error::usage("--selector cannot be used together with --select or --exclude")
                .hint("put all of it into selectors.yml, or leave --selector out"));
        }
        Some(name) => Some(project.selectors.get(name).ok_or_else(|| {
            let known = project.selectors.keys().map(String::as_str);
            Error::usage(format!("selectors.yml has no selector '{name}'")).hint(did_you_mean(
                name,
                known,
                "define it in selectors.yml",
            ))
        })?),
        None if !from_flags => project.selectors.values().find(|selector| selector.default),
        None => None,
    };
    match selector {
        Some(selector) => Ok(selector.spec.clone().with_default_indirect(selection.indirect)),
        None => Spec::from_flags(&selection.select, &selection.exclude, selection.indirect),
    }
}

/// Unique ids.
pub(crate) type Ids = BTreeSet<String>;
