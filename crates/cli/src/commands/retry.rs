//! `millstream retry`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use millstream_core::Error;
use millstream_project::{Project, Reading, Window};
use millstream_runner::{Cancel, Request, Verb};
use serde_json::{Map, Value};

use super::{nodes, run_operation};
use crate::context::{Context, target_dir};
use crate::options::{reading, state, value};
use crate::stop::{Exit, Outcome};

const EXAMPLES: &str = "\
Examples:
  millstream retry
  millstream retry --state last_run/";

/// Ends of nodes that are tried again.
const TRIED_AGAIN: &[&str] = &["error", "fail", "skipped", "runtime error", "partial success"];

/// The command that calls a macro.
const OPERATION: &str = "run-operation";

/// Do again what failed or was skipped in the last run, with the options that it had
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RetryArgs {
    /// Folder of the run_results.json to go on from [default: target/]
    #[arg(long, value_name = "DIR", env = "DBT_STATE", hide_env = true)]
    state: Option<PathBuf>,
    /// Build incremental models and seeds from the start
    #[arg(short, long)]
    full_refresh: bool,
    /// How long to wait for another command that holds the workspace
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = value::duration)]
    wait: Duration,
}

/// Runs it.
pub async fn run(args: RetryArgs, context: &Context) -> Outcome {
    let results = last_results(&args, context)?;
    let given = results["args"].as_object().cloned().unwrap_or_default();
    let which = given.get("which").and_then(Value::as_str).unwrap_or_default();
    let operation = (which == OPERATION).then(|| operation(&given)).flatten();
    let verb = if operation.is_some() { None } else { Some(verb(which)?) };
    let vars = given.get("vars").and_then(Value::as_object).cloned();
    let project = Arc::new(context.load_project_as(vars, given.get("target").and_then(Value::as_str))?);
    if let Some((name, arguments)) = operation.filter(|_| has_failed(&results)) {
        return run_operation::carry_out(project, name, arguments, args.wait, context).await;
    }
    let failed = failed(&results, &project);
    let Some(verb) = verb.filter(|_| !failed.is_empty()) else {
        context.talk.warn("nothing-to-retry", "everything succeeded in the last run; there is nothing to try again");
        return Ok(Exit::Success);
    };
    let request = request(verb, &args, &given, failed, batches(&results), &project, context)?;
    nodes::carry_out(project, request, context).await
}

fn last_results(args: &RetryArgs, context: &Context) -> Result<Value, Error> {
    let folder = match &args.state {
        Some(folder) => folder.clone(),
        None => target_dir(&context.load_project_quietly()?),
    };
    state::read(&folder.join("run_results.json"))?.ok_or_else(|| {
        Error::usage(format!("there is no run_results.json in {}", folder.display()))
            .hint("run 'millstream build' first, or name the folder of a run's artifacts with --state")
    })
}

fn verb(which: &str) -> Result<Verb, Error> {
    Ok(match which {
        "build" => Verb::Build,
        "run" => Verb::Run,
        "test" => Verb::Test,
        "seed" => Verb::Seed,
        "snapshot" => Verb::Snapshot,
        "compile" | "generate" => Verb::Compile,
        "clone" => Verb::Clone,
        other => {
            return Err(Error::usage(format!("the last command, '{other}', cannot be tried again"))
                .hint("run it again as a whole"));
        }
    })
}

/// The macro that was called, and with what.
fn operation(given: &Map<String, Value>) -> Option<(String, Map<String, Value>)> {
    let name = given.get("macro")?.as_str()?.to_owned();
    Some((name, given.get("args").and_then(Value::as_object).cloned().unwrap_or_default()))
}

fn is_bad(result: &Value) -> bool {
    result["status"].as_str().is_some_and(|status| TRIED_AGAIN.contains(&status))
}

/// Whether anything did not end well.
fn has_failed(results: &Value) -> bool {
    results["results"].as_array().into_iter().flatten().any(is_bad)
}

/// Nodes that did not end well. Tests that kept a model back are tried again with it.
fn failed(results: &Value, project: &Project) -> BTreeSet<String> {
    let all = results["results"].as_array();
    let bad =
        all.into_iter().flatten().filter(|result| is_bad(result)).filter_map(|result| result["unique_id"].as_str());
    bad.filter(|id| project.manifest.resource_type(id).is_some()).map(str::to_owned).collect()
}

/// Batches of microbatch models that failed while others were built.
fn batches(results: &Value) -> BTreeMap<String, Vec<Window>> {
    let all = results["results"].as_array();
    let partial = all.into_iter().flatten().filter(|result| result["status"] == "partial success");
    partial
        .filter_map(|result| {
            let failed = result["batch_results"]["failed"].as_array()?;
            Some((result["unique_id"].as_str()?.to_owned(), failed.iter().filter_map(reading::of_pair).collect()))
        })
        .collect()
}

fn request(
    verb: Verb,
    args: &RetryArgs,
    given: &Map<String, Value>,
    selected: BTreeSet<String>,
    batches: BTreeMap<String, Vec<Window>>,
    project: &Project,
    context: &Context,
) -> Result<Request, Error> {
    let flag = |name: &str| given.get(name).and_then(Value::as_bool);
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    let at = |name: &str| text(name).and_then(|text| value::instant(text).ok());
    let mut reading = Reading {
        is_empty: flag("empty").unwrap_or(false),
        window: given.get("sample_window").and_then(reading::of_pair),
        ..Reading::default()
    };
    let folder = text("defer_state").or_else(|| text("state"));
    if let Some(folder) = folder.filter(|_| flag("defer").unwrap_or(false) || verb == Verb::Clone) {
        reading.deferred.relations = state::load(project, folder.as_ref())?.relations(project)?;
        reading.deferred.is_favored = flag("favor_state").unwrap_or(false);
        reading.deferred.selected = selected.clone();
    }
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    let mut kept = given.clone();
    kept.insert("threads".into(), context.global.threads.into());
    Ok(Request {
        full_refresh: args.full_refresh || flag("full_refresh").unwrap_or(false),
        fail_fast: flag("fail_fast").unwrap_or(false),
        warn_error: flag("warn_error").unwrap_or(false),
        store_failures: flag("store_failures"),
        reading,
        event_time_start: at("event_time_start"),
        event_time_end: at("event_time_end"),
        batches,
        threads: project.target.threads.max(1),
        args: kept,
        check: !flag("no_check").unwrap_or(false),
        lock_wait: args.wait,
        cancel,
        ..Request::new(verb, selected)
    })
}
