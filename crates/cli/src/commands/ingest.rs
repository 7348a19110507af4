//! `millstream ingest`.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use millstream_core::{Error, Kind};
use millstream_project::Project;
use millstream_runner::{Cancel, IngestRequest, IngestSummary};
use serde_json::{Value, json};

use super::ledger;
use crate::context::Context;
use crate::options::{KafkaOptions, OnGap, Property, value};
use crate::output::ListFormat;
use crate::stop::{Exit, Outcome};
use crate::talk::{NodeLines, tell_ingest};

const EXAMPLES: &str = "\
Examples:
  millstream ingest                                 all files; Kafka if MILLSTREAM_BROKERS is set
  millstream ingest transactions_batch --replace    changed files take the place of their rows
  millstream ingest transactions_streaming --brokers localhost:9092
  millstream ingest transactions_streaming --follow
  millstream ingest --brokers kafka:9093 -X security.protocol=SASL_SSL -X sasl.mechanism=PLAIN";

/// Variable that says where Kafka is.
const BROKERS_VARIABLE: &str = "MILLSTREAM_BROKERS";

/// Load what is new in the sources into raw.*, under their contracts
///
/// Files are loaded whole or not at all, once, by content. Kafka is read from the position that the raw table holds to
/// the end seen at the start. Rows that break the contract go to quarantine.*; rows in = loaded + quarantined.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct IngestArgs {
    /// Sources to load, for example transactions_batch or raw.users [default: all file sources, and Kafka sources when
    /// MILLSTREAM_BROKERS is set or --brokers is given]
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    /// Files that are known by name and have other content replace their rows
    #[arg(long)]
    replace: bool,
    /// Keep reading Kafka until Ctrl-C
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    kafka: KafkaOptions,
    /// How long to wait for another command that holds the workspace
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = value::duration)]
    wait: Duration,
    /// Also list this run's ledger lines on standard output
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<ListFormat>,
}

/// Runs it.
pub async fn run(args: IngestArgs, context: &Context) -> Outcome {
    let properties = Property::split_all(&args.kafka.properties)?;
    let mut project = context.load_project()?;
    let sources = choose(&args, &project, context)?;
    override_kafka(&mut project, args.kafka.brokers.as_deref(), &properties);
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    let request = IngestRequest {
        sources,
        replace: args.replace,
        skip_gaps: args.kafka.on_gap == OnGap::Skip,
        follow: args.follow,
        args: context
            .arguments("ingest", vec![("sources", args.sources.clone().into()), ("replace", args.replace.into())]),
        lock_wait: args.wait,
        cancel,
        ..IngestRequest::default()
    };
    let summary = load(project, &request, context).await?;
    if let Some(format) = args.format {
        let entries = summary.sources.iter().flat_map(|source| source.units.iter().map(|unit| unit.entry.clone()));
        ledger::listing(&entries.collect::<Vec<_>>(), format).print(format)?;
    }
    exit(&summary)
}

/// Loads sources of a project and tells what came of each unit.
pub async fn load(project: Project, request: &IngestRequest, context: &Context) -> Result<IngestSummary, Error> {
    let project = Arc::new(project);
    let workspace = context.open_workspace(&project.target)?;
    let lines = Arc::new(NodeLines::new(context.talk.clone(), context.clock.clone()));
    let runner = context.runner(project, &workspace, lines.clone());
    let summary = runner.ingest(request).await;
    lines.end();
    let summary = summary?;
    tell_ingest(&context.talk, &summary);
    Ok(summary)
}

/// The sources to load. Those that are named need all they need; unnamed Kafka sources need a broker that was named.
fn choose(args: &IngestArgs, project: &Project, context: &Context) -> Result<Vec<String>, Error> {
    if !args.sources.is_empty() {
        return Ok(args.sources.clone());
    }
    let has_broker =
        args.kafka.brokers.is_some() || context.env.get(BROKERS_VARIABLE).is_some_and(|value| !value.is_empty());
    let (mut chosen, mut skipped) = (Vec::new(), Vec::new());
    for source in project.manifest.sources.values() {
        let name = format!("{}.{}", source.source_name, source.name);
        match connector(&source.meta) {
            Some("kafka") if !has_broker => skipped.push(name),
            Some(_) => chosen.push(name),
            None => {}
        }
    }
    if !skipped.is_empty() {
        context.talk.say(
            "kafka-skipped",
            &format!(
                "{} skipped: topics are read when they are named, or with --brokers or {BROKERS_VARIABLE}",
                skipped.join(", ")
            ),
        );
    }
    if chosen.is_empty() && skipped.is_empty() {
        return Err(Error::user("no source of this project has a connector")
            .hint("declare one under 'meta: millstream:' of a source table, see docs/guide.md"));
    }
    if chosen.is_empty() {
        return Err(Error::usage("there is nothing to load: every source is a Kafka topic, and none is named")
            .hint(format!("name the source, give --brokers HOST:PORT, or set {BROKERS_VARIABLE}")));
    }
    Ok(chosen)
}

fn connector(meta: &serde_json::Map<String, Value>) -> Option<&str> {
    meta.get("millstream")?.get("connector")?.as_str()
}

/// Puts the command line's broker and settings in the place of the project's.
pub fn override_kafka(project: &mut Project, brokers: Option<&str>, properties: &[(String, String)]) {
    let sources = Arc::make_mut(&mut project.manifest).sources.values_mut();
    let kafka = sources.filter(|source| connector(&source.meta) == Some("kafka"));
    for contract in kafka.filter_map(|source| source.meta.get_mut("millstream")?.as_object_mut()) {
        if let Some(brokers) = brokers {
            contract.insert("brokers".into(), brokers.into());
        }
        let declared = contract.entry("properties").or_insert_with(|| json!({}));
        if let Some(declared) = declared.as_object_mut() {
            for (key, value) in properties {
                declared.insert(key.clone(), value.clone().into());
            }
        }
    }
}

/// The first environment error wins over the user's data, because it says that the run is not complete.
fn exit(summary: &IngestSummary) -> Outcome {
    let mut errors = summary.sources.iter().filter_map(|source| source.error.as_ref());
    if let Some(error) = errors.clone().find(|error| error.kind().exit_code() == Kind::Environment.exit_code()) {
        let failed = errors.clone().count();
        return Err(Error::new(
            error.kind(),
            format!("{failed} of {} sources could not be loaded", summary.sources.len()),
        )
        .hint("see the errors above; what was loaded stays, and the next run goes on from there")
        .into());
    }
    let refused = summary.sources.iter().flat_map(|source| &source.units).any(|unit| unit.is_refused());
    if summary.cancelled {
        return Ok(Exit::Interrupted);
    }
    Ok(if refused || errors.next().is_some() { Exit::Failed } else { Exit::Success })
}
