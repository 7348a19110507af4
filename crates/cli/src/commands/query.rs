//! `millstream query`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use futures::StreamExt;
use millstream_core::warehouse::{AsOf, Dialect, QueryOptions, QueryResult};
use millstream_core::{Error, Place};

use crate::context::Context;
use crate::options::value;
use crate::output::{Look, RowFormat, Sink, SinkKind, writer};
use crate::stop::{Exit, Outcome, Stop};
use crate::talk::{NodeLines, plural};

const EXAMPLES: &str = "\
Examples:
  millstream query \"select * from marts.dim_users\" --limit 10
  millstream query \"select count(*) from fct_transactions\" --format json
  millstream query \"select * from raw.users\" --as-of 3
  millstream query \"select * from dim_users\" --as-of 2025-07-01T12:00:00Z -o july.parquet
  millstream query --file analyses/source_value.sql
  echo \"select 1\" | millstream query -

Names without a schema: the target's schema first, then any in which the name is unique.
SQL with {{ ref('model') }} and other Jinja is compiled first.";

/// Ask the warehouse in SQL
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct QueryArgs {
    /// The query; - reads it from standard input
    #[arg(value_name = "SQL", required_unless_present = "file", allow_hyphen_values = true)]
    sql: Option<String>,
    /// Read the query from a file
    #[arg(long, value_name = "FILE", conflicts_with = "sql")]
    file: Option<PathBuf>,
    /// Read every table as of a version, or as of an instant (UTC unless it says otherwise)
    #[arg(long, value_name = "VERSION|TIME", value_parser = value::as_of)]
    as_of: Option<AsOf>,
    /// At most so many rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Format of the rows [default: by the ending of --output, otherwise table]
    #[arg(long, value_enum)]
    format: Option<RowFormat>,
    /// Write to a file instead of standard output; it appears whole or not at all
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs it.
pub async fn run(args: QueryArgs, context: &Context) -> Outcome {
    let sql = text(&args)?;
    let format = args.format.or_else(|| format_of(args.output.as_deref()?)).unwrap_or_default();
    // Only SQL with Jinja needs the project's models to be in order.
    let project = if has_jinja(&sql) { Some(Arc::new(context.load_project_quietly()?)) } else { None };
    let target = match &project {
        Some(project) => project.target.clone(),
        None => context.load_target()?,
    };
    let workspace = context.open_workspace(&target)?;
    let options = QueryOptions {
        as_of: args.as_of.unwrap_or_default(),
        default_schema: Some(target.schema.clone()),
        dialect: Dialect::of_adapter(&target.kind),
        ..QueryOptions::default()
    };
    let warehouse = workspace.warehouse.clone();
    let sql = match project {
        Some(project) => {
            let lines = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
            context.runner(project, &workspace, lines).compile_inline(&sql).await?
        }
        None => sql,
    };
    let result = warehouse.query(&sql, &options).await.map_err(|error| match (&args.file, error.place()) {
        (Some(file), None) => error.at(Place::file(file.display().to_string())),
        _ => error,
    })?;
    let rows = write(result, format, args.limit, args.output.as_deref()).await?;
    match &args.output {
        Some(file) => context.talk.say("written", &format!("{} written to {}", plural(rows, "row"), file.display())),
        None if format == RowFormat::Table => context.talk.say("rows", &format!("({})", plural(rows, "row"))),
        None => {}
    }
    Ok(Exit::Success)
}

/// Streams rows into a sink; returns how many.
pub async fn write(
    mut result: QueryResult,
    format: RowFormat,
    limit: Option<u64>,
    output: Option<&Path>,
) -> Result<u64, Stop> {
    let mut sink = Sink::open(output)?;
    if format == RowFormat::Parquet && sink.kind() == SinkKind::Terminal {
        return Err(Error::usage("Parquet is not for a terminal")
            .hint("give --output FILE, or redirect the output")
            .into());
    }
    let look = if sink.kind() == SinkKind::Terminal { Look::of_terminal() } else { Look::default() };
    let mut rows = 0;
    let written = async {
        let mut writer = writer(format, result.schema.clone(), look, &mut sink)?;
        let mut left = limit.unwrap_or(u64::MAX);
        while left > 0 {
            let Some(batch) = result.stream.next().await else { break };
            let batch = batch?;
            let taken = batch.num_rows().min(usize::try_from(left).unwrap_or(usize::MAX));
            writer.write(&batch.slice(0, taken))?;
            rows += taken as u64;
            left -= taken as u64;
        }
        writer.finish()
    }
    .await;
    sink.finish(written)?;
    Ok(rows)
}

fn text(args: &QueryArgs) -> Result<String, Error> {
    let text = match (&args.sql, &args.file) {
        (_, Some(file)) => std::fs::read_to_string(file)
            .map_err(|error| Error::usage(format!("{} cannot be read", file.display())).why(error))?,
        (Some(sql), None) if sql == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| Error::usage("the query on standard input cannot be read").why(error))?;
            text
        }
        (sql, None) => sql.clone().unwrap_or_default(),
    };
    let text = text.trim().trim_end_matches(';').trim_end().to_owned();
    if text.is_empty() {
        return Err(Error::usage("the query is empty").hint("for example: millstream query \"select 1\""));
    }
    Ok(text)
}

fn has_jinja(sql: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| sql.contains(mark))
}

fn format_of(path: &Path) -> Option<RowFormat> {
    match path.extension()?.to_str()? {
        "csv" => Some(RowFormat::Csv),
        "json" => Some(RowFormat::Json),
        "jsonl" | "ndjson" => Some(RowFormat::Jsonl),
        "parquet" => Some(RowFormat::Parquet),
        _ => None,
    }
}
