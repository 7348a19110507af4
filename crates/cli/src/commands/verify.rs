//! `millstream verify`.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use clap::Args;
use millstream_core::Error;
use millstream_runner::{
    Cancel, DifferentRow, FoundIn, VERIFY_ROWS_SHOWN_DEFAULT, Verified, VerifyRequest, VerifyStatus, VerifySummary,
};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::options::SelectionOptions;
use crate::output::{ListFormat, Listing, Look, Sink, SinkKind, writer};
use crate::stop::{Exit, Outcome, Stop};
use crate::talk::{NodeLines, plural, seconds};

const EXAMPLES: &str = "\
Examples:
  millstream verify
  millstream verify fct_daily_transactions --limit 5
  millstream verify --select tag:marts --format json

Each model is recomputed from raw, with all that it reads, and compared row by row with what is stored. Nothing in
the warehouse changes. Exit code 1 when a model differs.";

/// Recompute models from raw and compare them with what is stored
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// Models [default: all]
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    #[command(flatten)]
    selection: SelectionOptions,
    /// Differing rows of a model that are shown, of each side
    #[arg(long, value_name = "N", default_value_t = VERIFY_ROWS_SHOWN_DEFAULT, help_heading = "Options")]
    limit: usize,
    /// Format of the listing
    #[arg(long, value_enum, default_value_t, help_heading = "Options")]
    format: ListFormat,
}

/// Runs it.
pub async fn run(args: VerifyArgs, context: &Context) -> Outcome {
    let project = Arc::new(context.load_project()?);
    let mut options = args.selection.clone();
    options.select.extend(args.models.iter().cloned());
    let selected = project.select(&options.selection(&project)?)?;
    for warning in &selected.warnings {
        context.talk.warn("selection", warning);
    }
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    let request = VerifyRequest {
        selected: selected.ids.into_iter().collect(),
        limit: args.limit,
        args: context.arguments("verify", vec![("select", options.select.clone().into())]),
        cancel,
    };
    let workspace = context.open_workspace(&project.target)?;
    let lines = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
    let summary = context.runner(project, &workspace, lines).verify(&request).await?;
    if summary.models.is_empty() {
        context.talk.warn("nothing-selected", "the selection matches no model; nothing to verify");
        return Ok(Exit::Success);
    }
    print(&summary, args.format)?;
    tell(&summary, context);
    Ok(match (summary.cancelled, summary.is_success()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Success,
        (false, false) => Exit::Failed,
    })
}

fn print(summary: &VerifySummary, format: ListFormat) -> Result<(), Stop> {
    match format {
        ListFormat::Table => {
            for model in summary.models.iter().filter(|model| !model.rows.is_empty()) {
                print_rows(model)?;
            }
            listing(summary).print(format)
        }
        ListFormat::Csv => rows_listing(summary).print(format),
        ListFormat::Json | ListFormat::Jsonl => print_json(summary, format),
    }
}

/// The rows of one model as a table with the model's own columns.
fn print_rows(model: &Verified) -> Result<(), Stop> {
    let rows = || model.rows.iter();
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("only in", Arc::new(StringArray::from_iter_values(rows().map(|row| side(row.found_in))))),
        ("times", Arc::new(rows().map(|row| i64::try_from(row.times).ok()).collect::<Int64Array>())),
    ];
    for (at, name) in model.columns.iter().enumerate() {
        columns.push((name, Arc::new(rows().map(|row| row.cells[at].clone()).collect::<StringArray>())));
    }
    let fields: Vec<_> = columns
        .iter()
        .map(|(name, column)| arrow::datatypes::Field::new(*name, column.data_type().clone(), true))
        .collect();
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    let batch = RecordBatch::try_new(schema, columns.into_iter().map(|(_, column)| column).collect())
        .map_err(|error| Error::ours("rows that differ cannot be shown").why(error))?;
    let mut sink = Sink::stdout();
    let look = if sink.kind() == SinkKind::Terminal { Look::of_terminal() } else { Look::default() };
    let written = writeln!(sink, "{}:", model.table)
        .map_err(|error| Error::environment("the output cannot be written").why(error));
    let written = written.and_then(|()| {
        let mut rows = writer(ListFormat::Table.into(), batch.schema(), look, &mut sink)?;
        rows.write(&batch)?;
        rows.finish()
    });
    let written = written
        .and_then(|()| writeln!(sink).map_err(|error| Error::environment("the output cannot be written").why(error)));
    sink.finish(written)
}

fn listing(summary: &VerifySummary) -> Listing {
    let all = || summary.models.iter();
    let number = |value: u64| i64::try_from(value).ok();
    Listing::new()
        .text("model", all().map(|model| Some(model.table.clone())))
        .text("result", all().map(|model| Some(model.status.name())))
        .number("stored", all().map(|model| model.rows_stored.and_then(number)))
        .number("recomputed", all().map(|model| model.rows_recomputed.and_then(number)))
        .number("missing", all().map(|model| model.rows_stored.and_then(|_| number(model.missing))))
        .number("extra", all().map(|model| model.rows_stored.and_then(|_| number(model.extra))))
        .text("took", all().map(|model| took(model).then(|| seconds(Duration::from_secs_f64(model.elapsed_s)))))
        .text("note", all().map(|model| model.note.clone()))
}

/// Whether the model was worked on.
fn took(model: &Verified) -> bool {
    !matches!(model.status, VerifyStatus::Passed | VerifyStatus::Skipped)
}

/// The rows that differ, one line each, for programs that read CSV: the columns of models are not the same.
fn rows_listing(summary: &VerifySummary) -> Listing {
    let all = || summary.models.iter().flat_map(|model| model.rows.iter().map(move |row| (model, row)));
    Listing::new()
        .text("model", all().map(|(model, _)| Some(model.table.clone())))
        .text("only_in", all().map(|(_, row)| Some(side(row.found_in))))
        .number("times", all().map(|(_, row)| i64::try_from(row.times).ok()))
        .text("row", all().map(|(model, row)| Some(Value::Object(object(model, row)).to_string())))
}

fn print_json(summary: &VerifySummary, format: ListFormat) -> Result<(), Stop> {
    let model = |model: &Verified| {
        let rows: Vec<Value> = model
            .rows
            .iter()
            .map(|row| json!({"only_in": side(row.found_in), "times": row.times, "row": object(model, row)}))
            .collect();
        json!({
            "unique_id": model.unique_id,
            "model": model.table,
            "result": model.status.name(),
            "stored": model.rows_stored,
            "recomputed": model.rows_recomputed,
            "missing": model.rows_stored.map(|_| model.missing),
            "extra": model.rows_stored.map(|_| model.extra),
            "seconds": model.elapsed_s,
            "note": model.note,
            "rows": rows,
        })
    };
    let models: Vec<Value> = summary.models.iter().map(model).collect();
    let text = match format {
        ListFormat::Jsonl => models.iter().map(|model| format!("{model}\n")).collect(),
        _ => format!("{:#}\n", Value::Array(models)),
    };
    let mut sink = Sink::stdout();
    let written =
        sink.write_all(text.as_bytes()).map_err(|error| Error::environment("the output cannot be written").why(error));
    sink.finish(written)
}

fn object(model: &Verified, row: &DifferentRow) -> Map<String, Value> {
    model.columns.iter().cloned().zip(row.cells.iter().map(|cell| cell.clone().into())).collect()
}

fn side(found_in: FoundIn) -> &'static str {
    match found_in {
        FoundIn::Stored => "stored",
        FoundIn::Recomputed => "recomputed",
    }
}

fn tell(summary: &VerifySummary, context: &Context) {
    let count = |of: fn(VerifyStatus) -> bool| summary.models.iter().filter(|model| of(model.status)).count() as u64;
    let done = format!(
        "{}. {}: {} equal, {} not as they should be, {} not compared",
        if summary.cancelled { "Stopped" } else { "Done" },
        plural(summary.models.len() as u64, "model"),
        count(|status| status == VerifyStatus::Equal),
        count(VerifyStatus::is_failure),
        count(|status| !status.is_failure() && status != VerifyStatus::Equal),
    );
    context.talk.say("done", &done);
}
