//! `millstream show`.

use std::io::Write;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use futures::StreamExt;
use millstream_core::Error;
use millstream_project::{Reading, ResourceType};
use millstream_runner::Preview;
use serde_json::{Map, Value};

use super::query;
use crate::context::Context;
use crate::options::{DeferOptions, SelectionOptions};
use crate::output::RowFormat;
use crate::stop::{Exit, Outcome, Stop};
use crate::talk::NodeLines;

const EXAMPLES: &str = "\
Examples:
  millstream show --select fct_transactions
  millstream show --select dim_users --limit 20 --output json
  millstream show --inline \"select count(*) as n from {{ ref('dim_users') }}\"";

/// Rows that are shown when nobody says how many, as in dbt.
const LIMIT_DEFAULT: i64 = 5;

/// Form of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ShowFormat {
    /// Aligned columns for people.
    #[default]
    Text,
    /// One JSON object: the node and its rows, as dbt writes it.
    Json,
    /// CSV with a header.
    Csv,
}

/// Show the rows that a model, test or analysis would give now, without building it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    #[command(flatten)]
    selection: SelectionOptions,
    #[command(flatten)]
    defer: DeferOptions,
    /// Show the rows of this text instead of nodes
    #[arg(long, value_name = "SQL", help_heading = "Options", conflicts_with_all = ["select", "selector"])]
    inline: Option<String>,
    /// At most so many rows; -1 for all
    #[arg(long, value_name = "N", help_heading = "Options", default_value_t = LIMIT_DEFAULT)]
    #[arg(allow_negative_numbers = true)]
    limit: i64,
    /// Form of the rows
    #[arg(long, alias = "format", help_heading = "Options", value_enum, default_value_t, value_name = "FORM")]
    output: ShowFormat,
}

/// Runs it.
pub async fn run(args: ShowArgs, context: &Context) -> Outcome {
    let project = Arc::new(context.load_project_quietly()?);
    let shown: Vec<(Option<String>, Preview)> = match &args.inline {
        Some(sql) => vec![(None, Preview::Inline(sql.clone()))],
        None if args.selection.select.is_empty() && args.selection.selector.is_none() => {
            return Err(Error::usage("nothing says what to show")
                .hint("name a model with --select, or give SQL with --inline")
                .into());
        }
        None => {
            let selected = project.select(&args.selection.selection(&project)?)?;
            for warning in &selected.warnings {
                context.talk.warn("selection", warning);
            }
            let has_rows = |id: &&String| match project.manifest.node(id) {
                // Tests come along with what they test and are shown when they are asked for by name.
                Some(node) if node.resource_type == ResourceType::Test => args.selection.select.contains(&node.name),
                Some(node) => node.resource_type != ResourceType::Operation,
                None => false,
            };
            let nodes = selected.ids.iter().filter(has_rows).filter_map(|id| project.manifest.node(id));
            nodes.map(|node| (Some(node.name.clone()), Preview::Node(node.unique_id.clone()))).collect()
        }
    };
    let ids: Vec<&String> =
        shown.iter().filter_map(|(_, what)| if let Preview::Node(id) = what { Some(id) } else { None }).collect();
    let deferred = args.defer.deferred(&project, args.selection.state.as_deref(), ids)?;
    let reading = Reading { deferred, ..Reading::default() };
    let workspace = context.open_workspace(&project.target)?;
    let lines = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
    let runner = context.runner(project.clone(), &workspace, lines);
    let limit = u64::try_from(args.limit).ok();
    for (name, what) in &shown {
        let result = runner.preview(what, reading.clone()).await?;
        if let Some(name) = name.as_ref().filter(|_| args.output == ShowFormat::Text) {
            context.talk.say("show", &format!("Previewing node '{name}':"));
        }
        match args.output {
            ShowFormat::Text => {
                query::write(result, RowFormat::Table, limit, None).await?;
            }
            ShowFormat::Csv => {
                query::write(result, RowFormat::Csv, limit, None).await?;
            }
            ShowFormat::Json => json(name.as_deref(), result, limit).await?,
        }
    }
    if shown.is_empty() {
        context.talk.warn("nothing-selected", "no node matches");
    }
    Ok(Exit::Success)
}

/// `{"node": "…", "show": [{…}, …]}`.
async fn json(
    name: Option<&str>,
    mut result: millstream_core::warehouse::QueryResult,
    limit: Option<u64>,
) -> Result<(), Stop> {
    let mut rows: Vec<u8> = Vec::new();
    {
        let mut writer = crate::output::writer(RowFormat::Json, result.schema.clone(), Default::default(), &mut rows)?;
        let mut left = limit.unwrap_or(u64::MAX);
        while left > 0 {
            let Some(batch) = result.stream.next().await else { break };
            let batch = batch?;
            let taken = batch.num_rows().min(usize::try_from(left).unwrap_or(usize::MAX));
            writer.write(&batch.slice(0, taken))?;
            left -= taken as u64;
        }
        writer.finish()?;
    }
    let rows: Value = serde_json::from_slice(&rows).map_err(|error| Error::ours("rows are no JSON").why(error))?;
    let mut document = Map::new();
    if let Some(name) = name {
        document.insert("node".into(), name.into());
    }
    document.insert("show".into(), rows);
    let text = serde_json::to_string_pretty(&document).map_err(|error| Error::ours("rows are no JSON").why(error))?;
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}
