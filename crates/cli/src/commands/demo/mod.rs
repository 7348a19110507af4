//! `millstream demo`: the main job from nothing to answers, in one folder.
//!
//! Guarantees: what it does is what the single commands do, through the same runner; everything it makes follows from
//! the seed, so that a second run in the same folder loads nothing new and says so; a run that was killed anywhere is
//! completed by the next one. It says at most 40 lines.

mod answers;
#[cfg(feature = "broker")]
mod clock;
mod folder;
#[cfg(feature = "broker")]
mod live;
mod month;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use millstream_core::Ledger;
use millstream_project::{Project, ResourceType, Selection};
use millstream_runner::{Cancel, IngestRequest, IngestSummary, Request, SilentEvents, Summary, Verb};

use super::ingest::override_kafka;
use super::ledger;
use crate::context::Context;
use crate::stop::{Exit, Outcome, Stop};
use crate::talk::style::{BOLD, paint};
use crate::talk::{Balance, seconds, tell_ingest, tell_summary};

use folder::Folder;

const EXAMPLES: &str = "\
Examples:
  millstream demo
  millstream demo --fast --dir /tmp/look";

/// See all of it work: three months of files, a live burst from Kafka, tested marts, four answers
///
/// Makes a project folder with which you can go on. A second run in the same folder loads nothing new.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// Folder of the demo's project and workspace
    #[arg(long, value_name = "DIR", default_value = "millstream-demo")]
    dir: PathBuf,
    /// Fewer rows
    #[arg(long)]
    fast: bool,
    /// Same seed, same data
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

/// How much data the demo makes.
#[derive(Debug, Clone, Copy)]
struct Size {
    users: u64,
    transactions: u64,
    #[cfg_attr(not(feature = "broker"), allow(dead_code))]
    messages: u64,
}

impl Size {
    fn of(fast: bool) -> Self {
        if fast {
            Self { users: 30, transactions: 200, messages: 60 }
        } else {
            Self { users: 120, transactions: 1_500, messages: 500 }
        }
    }
}

/// What the steps share.
struct Demo<'a> {
    context: &'a Context,
    folder: Folder,
    size: Size,
    seed: u64,
    cancel: Cancel,
}

/// Why a demo ends early: what failed has been told.
enum Early {
    Stop(Stop),
    Told(Exit),
}

impl<E: Into<Stop>> From<E> for Early {
    fn from(error: E) -> Self {
        Self::Stop(error.into())
    }
}

type Step<T> = Result<T, Early>;

/// Runs it.
pub async fn run(args: DemoArgs, context: &Context) -> Outcome {
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    let (folder, is_new) = Folder::open(&args.dir, args.seed, args.fast)?;
    let demo = Demo { context, folder, size: Size::of(args.fast), seed: args.seed, cancel };
    match demo.play(is_new).await {
        Ok(()) => Ok(Exit::Success),
        Err(Early::Told(exit)) => Ok(exit),
        Err(Early::Stop(stop)) => Err(stop),
    }
}

impl Demo<'_> {
    async fn play(&self, is_new: bool) -> Step<()> {
        let started = Instant::now();
        let project = self.project()?;
        let nodes = |kind| project.manifest.nodes.values().filter(|node| node.resource_type == kind).count();
        self.say(
            "project",
            &format!(
                "{}: {} models, {} tests, contracts of {} sources ({})",
                self.folder.path.display(),
                nodes(ResourceType::Model),
                nodes(ResourceType::Test),
                project.manifest.sources.len(),
                if is_new { "new" } else { "made by an earlier run" }
            ),
        );
        let rows_before = self.ledger_rows(&project)?;
        self.generate().await?;
        for month in 0..month::MONTHS {
            self.month(month).await?;
        }
        #[cfg(feature = "broker")]
        self.live().await?;
        #[cfg(not(feature = "broker"))]
        self.say("live", "skipped: this build has no embedded broker (feature 'broker')");

        let (rows, balance) = (self.ledger_rows(&project)?, self.ledger_balance(&project)?);
        self.say("ledger", &format!("{balance}; nothing is lost"));
        if !is_new && rows == rows_before {
            self.say("again", "everything was loaded before: this run added no row, and the tables are the same");
        }
        self.answers().await?;
        self.say("done", &format!("in {}. What to try next:", seconds(started.elapsed())));
        for line in [
            format!("  cd {}", self.folder.path.display()),
            "  millstream query \"select * from marts.dim_users_scd2 order by 1 limit 5\"".to_owned(),
            "  millstream query \"select rules, count(*) from quarantine.transactions_batch group by 1\"".to_owned(),
            "  millstream ledger; millstream report; millstream build --select +fct_transactions".to_owned(),
            #[cfg(feature = "broker")]
            format!("  millstream broker --data-dir {} & millstream produce --rate 10 --count 50", live::BROKER_FOLDER),
            #[cfg(feature = "broker")]
            "  millstream ingest transactions_streaming; millstream build".to_owned(),
        ] {
            self.context.talk.say("next", &line);
        }
        Ok(())
    }

    /// One line of the story.
    fn say(&self, step: &str, text: &str) {
        self.context.talk.say(step, &format!("{} {text}", paint(BOLD, format!("{step:<9}"))));
    }

    fn project(&self) -> Step<Project> {
        Ok(self.context.load_project_in(&self.folder.path)?)
    }

    /// Loads sources. A refusal or an error ends the demo: its files are good.
    async fn ingest(&self, sources: &[&str], brokers: Option<&str>) -> Step<IngestSummary> {
        let mut project = self.project()?;
        override_kafka(&mut project, brokers, &[]);
        let project = Arc::new(project);
        let workspace = self.context.open_workspace(&project.target)?;
        let runner = self.context.runner(project, &workspace, Arc::new(SilentEvents));
        let request = IngestRequest {
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
            args: self.context.arguments("demo", Vec::new()),
            cancel: self.cancel.clone(),
            ..IngestRequest::default()
        };
        let summary = runner.ingest(&request).await?;
        let failed = summary
            .sources
            .iter()
            .any(|source| source.error.is_some() || source.units.iter().any(millstream_ingest::UnitReport::is_refused));
        if summary.cancelled {
            return Err(Early::Told(Exit::Interrupted));
        }
        if failed {
            tell_ingest(&self.context.talk, &summary);
            return Err(Early::Told(Exit::Failed));
        }
        Ok(summary)
    }

    /// Builds and tests everything. A failure ends the demo.
    async fn build(&self) -> Step<Summary> {
        let project = Arc::new(self.project()?);
        let workspace = self.context.open_workspace(&project.target)?;
        let selected = project.select(&Selection::default())?;
        let request = Request {
            threads: project.target.threads.max(1),
            args: self.context.arguments("demo", Vec::new()),
            cancel: self.cancel.clone(),
            ..Request::new(Verb::Build, selected.ids)
        };
        let summary =
            self.context.runner(project.clone(), &workspace, Arc::new(SilentEvents)).execute(&request).await?;
        if summary.cancelled {
            return Err(Early::Told(Exit::Interrupted));
        }
        if !summary.is_success() {
            tell_summary(&self.context.talk, &project, Verb::Build, &summary);
            return Err(Early::Told(Exit::Failed));
        }
        Ok(summary)
    }

    fn store(&self, project: &Project) -> Step<millstream_store::Store> {
        Ok(millstream_store::Store::open(&project.target.path.join("state.db"))?)
    }

    fn ledger_rows(&self, project: &Project) -> Step<u64> {
        let entries = self.store(project)?.entries()?;
        Ok(entries.iter().filter(|entry| ledger::is_load(entry)).map(|entry| entry.rows_in).sum())
    }

    fn ledger_balance(&self, project: &Project) -> Step<String> {
        Ok(ledger::balance(&self.store(project)?.entries()?))
    }
}

/// `550 in = 548 loaded + 2 quarantined`, or that there was nothing new.
fn ingested(summary: &IngestSummary) -> String {
    let balance = Balance::of(summary);
    if balance.units == 0 { "nothing new to load".to_owned() } else { balance.equation() }
}

/// `build: 92 passed, 0 warned, 0 failed in 0.84s`.
fn built(summary: &Summary) -> String {
    format!(
        "built {} nodes, PASS={} WARN={} ERROR={} in {:.2}s",
        summary.total(),
        summary.passed(),
        summary.warned(),
        summary.failed(),
        summary.elapsed_s
    )
}
