//! `millstream run-operation`.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use millstream_project::Project;
use millstream_runner::{Cancel, OperationRequest};
use serde_json::{Map, Value};

use super::nodes;
use crate::context::{Context, mapping};
use crate::options::value;
use crate::stop::Outcome;
use crate::talk::NodeLines;

const EXAMPLES: &str = "\
Examples:
  millstream run-operation drop_old_schemas --args '{keep_days: 30}'
  millstream run-operation my_package.grant_all";

/// Call a macro of the project: what it runs changes the warehouse
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunOperationArgs {
    /// The macro, with its package where it is not the project's own
    #[arg(value_name = "MACRO")]
    name: String,
    /// Its arguments by name, as YAML or JSON
    #[arg(long, value_name = "YAML", default_value = "{}")]
    args: String,
    /// How long to wait for another command that holds the workspace
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = value::duration)]
    wait: Duration,
}

/// Runs it.
pub async fn run(args: RunOperationArgs, context: &Context) -> Outcome {
    let arguments = mapping("--args", &args.args, "{keep_days: 30}")?;
    let project = Arc::new(context.load_project()?);
    carry_out(project, args.name, arguments, args.wait, context).await
}

/// Calls the macro and tells how it went; `retry` does the same again.
pub async fn carry_out(
    project: Arc<Project>,
    name: String,
    arguments: Map<String, Value>,
    lock_wait: Duration,
    context: &Context,
) -> Outcome {
    let workspace = context.open_workspace(&project.target)?;
    let lines = Arc::new(NodeLines::new(context.talk.clone(), context.clock.clone()));
    let runner = context.runner(project.clone(), &workspace, lines.clone());
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    let given = vec![("macro", name.clone().into()), ("args", Value::Object(arguments.clone()))];
    let args = context.arguments("run-operation", given);
    let operation = OperationRequest { name, arguments, args, lock_wait, cancel };
    let summary = runner.run_operation(&operation).await;
    lines.end();
    let summary = summary?;
    for message in summary.results.iter().filter_map(|result| result.message.as_deref()) {
        context.talk.say("failed", message);
    }
    Ok(nodes::exit(&summary))
}
