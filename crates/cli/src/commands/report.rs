//! `millstream report`.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use clap::Args;
use futures::StreamExt;
use millstream_core::Error;
use millstream_core::warehouse::{Dialect, QueryOptions};
use millstream_project::{Node, Project, ResourceType};
use millstream_runner::Runner;

use crate::chart::{self, Chart};
use crate::context::{Context, Workspace};
use crate::output::{ListFormat, Listing, Look, Sink, SinkKind, writer};
use crate::stop::{Exit, Outcome, Stop};
use crate::talk::NodeLines;
use crate::talk::style::{BOLD, paint};

/// Rows of one answer that a report keeps in memory. Answers are for people; a result beyond this is for `query`.
const REPORT_ROWS_MAX: usize = 10_000;

const EXAMPLES: &str = "\
Examples:
  millstream report                       answers to all questions
  millstream report source_value          one of them
  millstream report --list
  millstream report spending_by_source --format csv";

/// Answer the project's questions (its analyses), with charts
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReportArgs {
    /// Analyses to run [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only list the analyses
    #[arg(long, conflicts_with = "names")]
    list: bool,
    /// Format of the answers; charts come with table
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
    /// No charts
    #[arg(long)]
    no_chart: bool,
}

/// Runs it.
pub async fn run(args: ReportArgs, context: &Context) -> Outcome {
    let project = Arc::new(context.load_project_quietly()?);
    if args.list {
        let analyses = analyses(&project);
        Listing::new()
            .text("name", analyses.iter().map(|node| Some(node.name.clone())))
            .text("question", analyses.iter().map(|node| Some(title(node))))
            .text("file", analyses.iter().map(|node| Some(node.file())))
            .print(args.format)?;
        return Ok(Exit::Success);
    }
    let chosen = choose(&project, &args.names)?;
    if args.format != ListFormat::Table && chosen.len() > 1 {
        return Err(Error::usage("several answers do not fit into one listing")
            .hint("name one analysis; 'millstream report --list' lists them")
            .into());
    }
    let reports = Reports::open(project.clone(), context).await?;
    let mut sink = Sink::stdout();
    let mut written = Ok(());
    for (position, node) in chosen.iter().enumerate() {
        let answer = reports.answer(node).await?;
        written = match args.format {
            ListFormat::Table => {
                let look = if sink.kind() == SinkKind::Terminal { Look::of_terminal() } else { Look::default() };
                tell(&mut sink, node, &answer, look, !args.no_chart, position > 0)
            }
            format => rows(&mut sink, &answer, format, Look::default()),
        };
        if written.is_err() {
            break;
        }
    }
    sink.finish(written)?;
    Ok(Exit::Success)
}

/// Runs analyses of one project.
pub struct Reports {
    runner: Runner,
    workspace: Workspace,
    project: Arc<Project>,
}

impl Reports {
    /// Opens what analyses need.
    pub async fn open(project: Arc<Project>, context: &Context) -> Result<Self, Error> {
        let workspace = context.open_workspace(&project.target)?;
        let lines = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
        let runner = context.runner(project.clone(), &workspace, lines);
        Ok(Self { runner, workspace, project })
    }

    /// Rows of one analysis, in one batch.
    pub async fn answer(&self, node: &Node) -> Result<RecordBatch, Error> {
        let failed = |error: Error| error.context(format!("analysis {} cannot be answered", node.name));
        let sql = self.runner.compile_node(&node.unique_id).await?;
        let target = &self.project.target;
        let options = QueryOptions {
            default_schema: Some(target.schema.clone()),
            dialect: Dialect::of_adapter(&target.kind),
            ..QueryOptions::default()
        };
        let mut result = self.workspace.warehouse.query(&sql, &options).await.map_err(failed)?;
        let mut batches = Vec::new();
        let mut rows = 0;
        while let Some(batch) = result.stream.next().await {
            let batch = batch.map_err(failed)?;
            rows += batch.num_rows();
            if rows > REPORT_ROWS_MAX {
                return Err(Error::user(format!("analysis {} has more than {REPORT_ROWS_MAX} rows", node.name))
                    .hint(format!("use 'millstream query --file {}' for large results", node.file())));
            }
            batches.push(batch);
        }
        arrow::compute::concat_batches(&result.schema, &batches)
            .map_err(|error| Error::ours("batches of one query have different columns").why(error))
    }
}

/// The project's own analyses, by name.
pub fn analyses(project: &Project) -> Vec<&Node> {
    let nodes = project.manifest.nodes.values();
    let mut analyses: Vec<&Node> = nodes.filter(|node| node.resource_type == ResourceType::Analysis).collect();
    analyses.sort_by(|a, b| a.name.cmp(&b.name));
    analyses
}

fn choose<'a>(project: &'a Project, names: &[String]) -> Result<Vec<&'a Node>, Stop> {
    let known = analyses(project);
    let listed = known.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ");
    if known.is_empty() {
        return Err(Error::user("the project has no analyses")
            .hint("write a query into analyses/NAME.sql; it may use ref() and source()")
            .into());
    }
    if names.is_empty() {
        return Ok(known);
    }
    let find = |name: &String| known.iter().copied().find(|node| node.name == *name);
    let chosen: Option<Vec<&Node>> = names.iter().map(find).collect();
    chosen.ok_or_else(|| {
        let unknown = names.iter().find(|name| find(name).is_none()).cloned().unwrap_or_default();
        Error::usage(format!("there is no analysis '{unknown}'")).hint(format!("use one of: {listed}")).into()
    })
}

/// The question that an analysis answers: its title, its description's first line, or its name.
pub fn title(node: &Node) -> String {
    let declared = node.meta.get("millstream").and_then(|meta| meta.get("title")).and_then(|title| title.as_str());
    let described = node.description.lines().next().map(str::trim).filter(|line| !line.is_empty());
    declared.or(described).unwrap_or(&node.name).to_owned()
}

/// Writes one answer for people: its title, its rows, and a chart where the analysis declares one.
pub fn tell(
    sink: &mut Sink,
    node: &Node,
    answer: &RecordBatch,
    look: Look,
    with_chart: bool,
    after_another: bool,
) -> Result<(), Error> {
    let put = |sink: &mut Sink, text: String| {
        sink.write_all(text.as_bytes()).map_err(|error| Error::environment("the output cannot be written").why(error))
    };
    let title = title(node);
    let shown = if look.colour { paint(BOLD, &title).to_string() } else { title };
    put(sink, format!("{}{shown} ({})\n\n", if after_another { "\n" } else { "" }, node.name))?;
    rows(sink, answer, ListFormat::Table, look)?;
    if answer.num_rows() == 0 {
        return put(sink, "(no rows)\n".to_owned());
    }
    let chart = if with_chart { Chart::declared(&node.meta, answer)? } else { None };
    chart.map_or(Ok(()), |chart| put(sink, format!("\n{}", chart::render(&chart, look))))
}

fn rows(sink: &mut Sink, answer: &RecordBatch, format: ListFormat, look: Look) -> Result<(), Error> {
    let mut writer = writer(format.into(), answer.schema(), look, sink)?;
    writer.write(answer)?;
    writer.finish()
}
