//! `millstream ls`.

use std::io::Write;

use clap::{Args, ValueEnum};
use millstream_project::{Manifest, Node, ResourceType, SourceNode};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::options::SelectionOptions;
use crate::stop::{Exit, Outcome};

/// Keys of a JSON line when `--output-keys` is not given, as in dbt.
const KEYS_DEFAULT: [&str; 11] = [
    "alias",
    "name",
    "package_name",
    "depends_on",
    "tags",
    "config",
    "resource_type",
    "source_name",
    "original_file_path",
    "unique_id",
    "schema",
];

const EXAMPLES: &str = "\
Examples:
  millstream ls
  millstream ls --select +fct_transactions --resource-type model
  millstream ls --select tag:marts --output json --output-keys name depends_on";

/// Form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LineForm {
    /// What --select takes.
    #[default]
    Selector,
    /// The bare name.
    Name,
    /// The file.
    Path,
    /// One JSON object a line.
    Json,
}

/// List the nodes of the project
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    #[command(flatten)]
    selection: SelectionOptions,
    /// Form of a line
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    output: LineForm,
    /// Keys of a JSON line
    #[arg(long, value_name = "KEYS", num_args = 1..)]
    output_keys: Vec<String>,
}

/// Runs it.
pub fn run(args: ListArgs, context: &Context) -> Outcome {
    let project = context.load_project_quietly()?;
    let selected = project.select(&args.selection.selection(&project)?)?;
    for warning in &selected.warnings {
        context.talk.warn("selection", warning);
    }
    let mut elements: Vec<Element<'_>> =
        selected.ids.iter().filter_map(|id| Element::find(&project.manifest, id)).collect();
    elements.sort_by_key(|element| element.selector());
    let keys: Vec<&str> = if args.output_keys.is_empty() {
        KEYS_DEFAULT.to_vec()
    } else {
        args.output_keys.iter().flat_map(|keys| keys.split([' ', ','])).filter(|key| !key.is_empty()).collect()
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for element in &elements {
        let line = match args.output {
            LineForm::Selector => element.selector(),
            LineForm::Name => element.name(),
            LineForm::Path => element.path(),
            LineForm::Json => element.json(&project.manifest, &keys).to_string(),
        };
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    if elements.is_empty() {
        context.talk.warn("nothing-selected", "no node matches");
    }
    Ok(Exit::Success)
}

/// An element of the graph.
enum Element<'a> {
    Node(&'a Node),
    Source(&'a SourceNode),
    /// Exposures and unit tests: unique id, kind, package and name, file.
    Other(&'a str, ResourceType, String, String),
}

impl<'a> Element<'a> {
    fn find(manifest: &'a Manifest, id: &'a str) -> Option<Self> {
        if let Some(node) = manifest.nodes.get(id) {
            return (node.resource_type != ResourceType::Operation).then_some(Self::Node(node));
        }
        if let Some(source) = manifest.sources.get(id) {
            return Some(Self::Source(source));
        }
        let kind = manifest.resource_type(id)?;
        let place = match kind {
            ResourceType::Exposure => manifest.exposures.get(id).map(|exposure| exposure.place.file.clone()),
            ResourceType::UnitTest => manifest.unit_tests.get(id).map(|test| test.place.file.clone()),
            _ => manifest.semantics.get(id).map(|found| found.place.file.clone()),
        };
        let name = id.split_once('.').map_or(id, |(_, name)| name);
        Some(Self::Other(id, kind, name.to_owned(), place.unwrap_or_default()))
    }

    fn selector(&self) -> String {
        match self {
            Self::Node(node) => node.fqn.join("."),
            Self::Source(source) => format!("source:{}.{}.{}", source.package_name, source.source_name, source.name),
            Self::Other(_, kind, name, _) => format!("{kind}:{name}"),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Node(node) => node.name.clone(),
            Self::Source(source) => format!("{}.{}", source.source_name, source.name),
            Self::Other(_, _, name, _) => name.rsplit('.').next().unwrap_or(name).to_owned(),
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Node(node) => node.file(),
            Self::Source(source) => source.original_file_path.clone(),
            Self::Other(_, _, _, file) => file.clone(),
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Node(node) => &node.unique_id,
            Self::Source(source) => &source.unique_id,
            Self::Other(id, ..) => id,
        }
    }

    /// The element as the manifest shows it, with these keys; a dot goes into a key's value.
    fn json(&self, manifest: &Manifest, keys: &[&str]) -> Value {
        let all = manifest.element_json(self.id()).unwrap_or_default();
        let mut chosen = Map::new();
        for key in keys {
            let found = all.get(*key).or_else(|| key.split('.').try_fold(&all, |value, part| value.get(part)));
            if let Some(value) = found {
                chosen.insert((*key).to_owned(), value.clone());
            }
        }
        Value::Object(chosen)
    }
}
