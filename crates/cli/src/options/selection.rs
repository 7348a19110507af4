//! dbt's node selection.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use millstream_core::Result;
use millstream_project::{IndirectSelection, Project, ResourceType, Selection};

use super::state;

/// Which nodes to work on.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectionOptions {
    /// Nodes to work on: names, paths, tag:x, +parents, children+, a,b for both [default: all]
    #[arg(short, long, value_name = "NODES", num_args = 1.., alias = "models", short_alias = 'm')]
    pub select: Vec<String>,

    /// Nodes to leave out, in the same syntax
    #[arg(long, value_name = "NODES", num_args = 1..)]
    pub exclude: Vec<String>,

    /// A selection that selectors.yml defines
    #[arg(long, value_name = "NAME", conflicts_with = "select")]
    pub selector: Option<String>,

    /// Only nodes of these types
    #[arg(long, value_name = "TYPE", num_args = 1.., value_parser = resource_type())]
    pub resource_type: Vec<ResourceType>,

    /// No nodes of these types
    #[arg(long, value_name = "TYPE", num_args = 1.., value_parser = resource_type())]
    pub exclude_resource_type: Vec<ResourceType>,

    /// How tests come along with the nodes they test
    #[arg(long, value_name = "HOW", default_value = "eager")]
    #[arg(value_parser = PossibleValuesParser::new(["eager", "cautious", "buildable", "empty"]))]
    pub indirect_selection: String,

    /// Artifacts of another run, for state:, result:, source_status: and --defer
    #[arg(long, value_name = "DIR", env = "DBT_STATE", hide_env = true)]
    pub state: Option<PathBuf>,
}

impl SelectionOptions {
    /// In the project's words.
    pub fn selection(&self, project: &Project) -> Result<Selection> {
        let indirect = if self.indirect_selection.is_empty() {
            IndirectSelection::default()
        } else {
            self.indirect_selection.parse()?
        };
        Ok(Selection {
            select: self.select.clone(),
            exclude: self.exclude.clone(),
            selector: self.selector.clone(),
            resource_types: (!self.resource_type.is_empty()).then(|| self.resource_type.clone()),
            exclude_resource_types: self.exclude_resource_type.clone(),
            indirect,
            state: self.state.as_deref().map(|folder| state::load(project, folder)).transpose()?,
        })
    }
}

fn resource_type() -> impl TypedValueParser<Value = ResourceType> {
    PossibleValuesParser::new(ResourceType::ALL.iter().map(|kind| kind.as_str()))
        .try_map(|text| text.parse::<ResourceType>())
}
