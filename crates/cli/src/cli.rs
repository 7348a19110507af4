//! The command line: global options and the list of commands. Each command's own options stand in its file.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    backfill, broker, build, check, clean, clone, compile, debug, demo, deps, docs, explain, generate, ingest, init,
    ledger, list, maintain, parse, produce, query, report, retry, run, run_operation, runs, schedules, seed, show,
    snapshot, source, test, up, verify,
};
use crate::options::GlobalOptions;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "millstream",
    version,
    about = "Three sources to tested marts: ingest files and Kafka under contract, build a dbt project, ask questions",
    disable_help_subcommand = true,
    max_term_width = 110
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalOptions,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(demo::DemoArgs),
    Init(init::InitArgs),
    Generate(generate::GenerateArgs),
    Produce(produce::ProduceArgs),
    Broker(broker::BrokerArgs),
    Ingest(ingest::IngestArgs),
    Ledger(ledger::LedgerArgs),
    Up(up::UpArgs),
    Backfill(backfill::BackfillArgs),
    Runs(runs::RunsArgs),
    Schedules(schedules::SchedulesArgs),
    Deps(deps::DepsArgs),
    Build(build::BuildArgs),
    Run(run::RunArgs),
    Test(test::TestArgs),
    Seed(seed::SeedArgs),
    Snapshot(snapshot::SnapshotArgs),
    Check(check::CheckArgs),
    RunOperation(run_operation::RunOperationArgs),
    Compile(compile::CompileArgs),
    Show(show::ShowArgs),
    Explain(explain::ExplainArgs),
    Retry(retry::RetryArgs),
    Clone(clone::CloneArgs),
    Source(source::SourceArgs),
    Docs(docs::DocsArgs),
    #[command(name = "ls", visible_alias = "list")]
    List(list::ListArgs),
    Parse(parse::ParseArgs),
    Clean(clean::CleanArgs),
    Query(query::QueryArgs),
    Report(report::ReportArgs),
    Debug(debug::DebugArgs),
    Verify(verify::VerifyArgs),
    Maintain(maintain::MaintainArgs),
    /// Print the reference of the command line as Markdown
    #[command(name = "docs-cli", hide = true)]
    DocsCli,
}

/// Commands by purpose, as the help shows them. A test keeps it complete.
pub const GROUPS: [(&str, &[&str]); 7] = [
    ("Start", &["demo", "init"]),
    ("Make data", &["generate", "produce", "broker"]),
    ("Load", &["ingest", "ledger"]),
    ("Keep fresh", &["up", "backfill", "schedules", "runs"]),
    (
        "Transform (dbt's commands)",
        &[
            "deps",
            "build",
            "run",
            "test",
            "seed",
            "snapshot",
            "retry",
            "clone",
            "run-operation",
            "check",
            "compile",
            "show",
            "ls",
            "parse",
            "source",
            "docs",
            "clean",
        ],
    ),
    ("Ask", &["query", "report", "explain", "debug"]),
    ("Keep right and quick", &["verify", "maintain"]),
];

/// Examples at the end of the help.
const EXAMPLES: &str = "\
Examples:
  millstream demo                               see all of it work, in ./millstream-demo
  millstream init shop && cd shop               start a project; put files into data/incoming/
  millstream ingest && millstream build         load what is new, then build and test every model
  millstream query \"select * from marts.dim_users\" --limit 10
  millstream report                             answers to the project's questions

Run 'millstream COMMAND --help' for the options of a command.
Exit codes: 0 all is well, 1 your data or project failed, 2 wrong usage, 3 the machine or a bug, 130 Ctrl-C.
";

/// The definitions with the grouped list of commands.
pub fn command() -> clap::Command {
    let command = Cli::command();
    let list = commands_by_group(&command);
    let template =
        format!("{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}Options:\n{{options}}{{after-help}}");
    command.help_template(template).after_help(EXAMPLES)
}

/// Parses arguments; clap's error tells usage, help and version.
pub fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>, colour: bool) -> Result<Cli, clap::Error> {
    let choice = if colour { clap::ColorChoice::Auto } else { clap::ColorChoice::Never };
    let matches = command().color(choice).try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

fn commands_by_group(command: &clap::Command) -> String {
    let width = GROUPS.iter().flat_map(|(_, names)| names.iter()).map(|name| name.len()).max().unwrap_or(0);
    let mut list = String::new();
    for (title, names) in GROUPS {
        list.push_str(&format!("{title}:\n"));
        for name in names {
            let about = command.find_subcommand(name).and_then(|found| found.get_about());
            list.push_str(&format!("  {name:width$}  {}\n", about.map(ToString::to_string).unwrap_or_default()));
        }
        list.push('\n');
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_is_in_one_group() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        grouped.sort_unstable();
        let command = Cli::command();
        let mut known: Vec<&str> =
            command.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name).collect();
        known.sort_unstable();
        assert_eq!(grouped, known);
    }
}
