//! One project and workspace in a temporary folder, and what the last command did.

use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use millstream_core::warehouse::QueryOptions;
use millstream_core::{Clock, Error, SilentProgress, Warehouse};
use millstream_project::{LoadOptions, Selection, Window};
use millstream_runner::{
    Cancel, CheckOptions, CheckReport, CheckState, Event, Events, Ids, IngestRequest, NodeResult, OperationRequest,
    Request, Runner, Status, Summary, Verb,
};
use millstream_store::Store;
use millstream_warehouse::{EmbeddedOptions, EmbeddedWarehouse};

pub struct World {
    pub folder: tempfile::TempDir,
    pub runtime: tokio::runtime::Runtime,
    pub listener: Arc<Listener>,
    now: DateTime<Utc>,
    results: Vec<NodeResult>,
    error: Option<Error>,
}

/// Keeps what was told.
#[derive(Default)]
pub struct Listener {
    pub lines: Mutex<Vec<String>>,
    pub started: Mutex<Vec<String>>,
}

impl Events for Listener {
    fn on(&self, event: &Event<'_>) {
        match event {
            Event::Note { message } => self.lines.lock().unwrap().push(format!("note: {message}")),
            Event::Warning { message } => self.lines.lock().unwrap().push(format!("warning: {message}")),
            Event::NodeStarted { unique_id, .. } => self.started.lock().unwrap().push((*unique_id).to_owned()),
            _ => {}
        }
    }
}

/// Stands still during a command.
pub struct TestClock(pub DateTime<Utc>);

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// Ids that follow the clock.
pub struct TestIds(pub DateTime<Utc>);

impl Ids for TestIds {
    fn invocation_id(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.0.timestamp())
    }
}

impl World {
    /// An empty project `shop` on a target `dev`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let now = "2025-06-01T00:00:00Z".parse().unwrap();
        let world = Self { folder, runtime, listener: Arc::default(), now, results: Vec::new(), error: None };
        world.write("dbt_project.yml", "name: shop\nversion: '1.0'\nconfig-version: 2\nprofile: shop\n");
        world.write(
            "profiles.yml",
            "shop:\n  target: dev\n  outputs:\n    dev: {type: millstream, path: workspace, schema: main, threads: 2}\n",
        );
        world
    }

    pub fn set_clock(&mut self, text: &str) {
        self.now = text.parse::<DateTime<Utc>>().unwrap() - TimeDelta::hours(1);
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.path().join(path)).unwrap();
    }

    /// A runner over the project as it is now.
    pub fn runner(&self) -> Result<Runner, Error> {
        let clock = Arc::new(TestClock(self.now));
        let ids = TestIds(self.now);
        let options = LoadOptions::new(self.path(), self.now, ids.invocation_id());
        let project = Arc::new(millstream_project::load(&options)?);
        let workspace = project.target.path.clone();
        let warehouse: Arc<dyn Warehouse> =
            Arc::new(EmbeddedWarehouse::open(workspace.join("warehouse"), EmbeddedOptions::default())?);
        Ok(Runner {
            target_dir: self.path().join("target"),
            project,
            warehouse,
            store: Arc::new(Store::open(&workspace.join("state.db"))?),
            workspace,
            clock,
            ids: Arc::new(ids),
            events: Arc::clone(&self.listener) as Arc<dyn Events>,
            progress: Arc::new(SilentProgress),
        })
    }

    /// A command line's request.
    pub fn request(runner: &Runner, words: &[&str]) -> Result<Request, Error> {
        let verb = match words[0] {
            "build" | "check" => Verb::Build,
            "run" => Verb::Run,
            "test" => Verb::Test,
            "seed" => Verb::Seed,
            "snapshot" => Verb::Snapshot,
            "compile" => Verb::Compile,
            other => panic!("unknown command {other}"),
        };
        let mut selection = Selection::default();
        let mut request = Request::new(verb, []);
        request.threads = 2;
        let mut into = "";
        let mut rest = words[1..].iter();
        while let Some(word) = rest.next() {
            let mut window = || {
                let mut at = || rest.next().unwrap().parse().unwrap();
                Window { start: at(), end: at() }
            };
            match *word {
                "--empty" => request.reading.is_empty = true,
                "--sample" => request.reading.window = Some(window()),
                "--event-times" => {
                    let Window { start, end } = window();
                    request.event_time_start = Some(start);
                    request.event_time_end = Some(end);
                }
                "--full-refresh" => request.full_refresh = true,
                "--check" => request.check = true,
                "--fail-fast" => request.fail_fast = true,
                "--warn-error" => request.warn_error = true,
                "--store-failures" => request.store_failures = Some(true),
                "--select" | "--exclude" => into = word,
                word if into == "--select" => selection.select.push(word.to_owned()),
                word if into == "--exclude" => selection.exclude.push(word.to_owned()),
                word => panic!("unknown option {word}"),
            }
        }
        let selected = runner.project.select(&selection)?;
        request.selected = selected.ids.into_iter().collect();
        Ok(request)
    }

    /// Runs a command and tells each node's result.
    pub fn run(&mut self, command: &str) -> String {
        self.now += TimeDelta::hours(1);
        self.listener.lines.lock().unwrap().clear();
        self.listener.started.lock().unwrap().clear();
        self.results.clear();
        self.error = None;
        let words: Vec<&str> = command.split_whitespace().collect();
        match words[0] {
            "ingest" => return self.ingest(&words[1..]),
            "check" => return self.check(&words),
            _ => {}
        }
        let done = if words[0] == "run-operation" { self.operation(command) } else { self.summary(&words) };
        match done {
            Ok(summary) => {
                let mut lines: Vec<String> = summary.results.iter().map(line).collect();
                lines.sort();
                let last = summary.last_line();
                self.results = summary.results;
                lines.iter().chain([&last]).map(|line| format!("{line}\n")).collect()
            }
            Err(error) => self.failed(error),
        }
    }

    fn failed(&mut self, error: Error) -> String {
        let line = format!("{:?} error\n", error.kind());
        self.error = Some(error);
        line
    }

    pub fn summary(&self, words: &[&str]) -> Result<Summary, Error> {
        let runner = self.runner()?;
        let request = Self::request(&runner, words)?;
        let before = self.runtime.block_on(runner.check(&request, CheckOptions::default()));
        let summary = self.runtime.block_on(runner.execute(&request));
        if let (Ok(before), Ok(summary)) = (&before, &summary) {
            never_wrong(before, summary);
        }
        summary
    }

    /// Checks as `millstream check` does, and tells what is not right.
    fn check(&mut self, words: &[&str]) -> String {
        let report = self.runner().and_then(|runner| {
            let request = Self::request(&runner, words)?;
            let options = CheckOptions { queries: true, analyses: true };
            self.runtime.block_on(runner.check(&request, options))
        });
        let report = match report {
            Ok(report) => report,
            Err(error) => return self.failed(error),
        };
        let mut text = String::new();
        for problem in report.diagnostics().sorted() {
            text.push_str(&format!("{}\n", self.stable(&problem.to_string())));
        }
        for node in &report.nodes {
            if let Some(reason) = node.state.reason() {
                text.push_str(&format!("{} {} {}: {reason}\n", node.resource_type, node.name, node.state.name()));
            }
        }
        let count = |state| report.count(state);
        text.push_str(&format!(
            "passed={} failed={} unknown={} skipped={}\n",
            count("passed"),
            count("failed"),
            count("unknown"),
            count("skipped")
        ));
        text
    }

    /// `run-operation NAME {"a": 1}`, arguments as JSON.
    fn operation(&self, command: &str) -> Result<Summary, Error> {
        let mut words = command.splitn(3, ' ').skip(1);
        let name = words.next().unwrap().to_owned();
        let arguments = words.next().map(|text| serde_json::from_str(text).unwrap()).unwrap_or_default();
        let runner = self.runner()?;
        let request = OperationRequest {
            name,
            arguments,
            args: serde_json::Map::new(),
            lock_wait: std::time::Duration::ZERO,
            cancel: Cancel::default(),
        };
        self.runtime.block_on(runner.run_operation(&request))
    }

    fn ingest(&mut self, sources: &[&str]) -> String {
        let request = IngestRequest {
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
            ..IngestRequest::default()
        };
        let done = self.runner().and_then(|runner| self.runtime.block_on(runner.ingest(&request)));
        let summary = match done {
            Ok(summary) => summary,
            Err(error) => return self.failed(error),
        };
        let mut lines = String::new();
        for source in &summary.sources {
            for unit in &source.units {
                let entry = &unit.entry;
                lines.push_str(&format!(
                    "{} {} {:?}: {} in, {} loaded, {} in quarantine\n",
                    source.source, entry.unit, unit.status, entry.rows_in, entry.rows_loaded, entry.rows_quarantined
                ));
            }
            if let Some(error) = &source.error {
                lines.push_str(&format!("{} {}\n", source.source, error.what()));
            }
        }
        lines
    }

    /// Rows of a query, one line each.
    pub fn query(&self, sql: &str) -> String {
        let rows = self.runner().and_then(|runner| {
            self.runtime.block_on(async {
                let result = runner.warehouse.query(sql, &QueryOptions::default()).await?;
                let batches: Vec<_> = result.stream.try_collect().await?;
                Ok(batches)
            })
        });
        let batches = match rows {
            Ok(batches) => batches,
            Err(error) => return format!("error: {}\n", error.what()),
        };
        let options = arrow::util::display::FormatOptions::new().with_null("null");
        let mut text = String::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let cells = batch.columns().iter().map(|column| {
                    let formatter = arrow::util::display::ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
                    formatter.value(row).to_string()
                });
                text.push_str(cells.collect::<Vec<_>>().join(" | ").trim_end());
                text.push('\n');
            }
        }
        text
    }

    /// The message of a node, cut to the expected lines when it has all of them.
    pub fn message(&self, node: &str, expected: &str) -> String {
        let Some(result) = self.results.iter().find(|result| result.name == node) else {
            return format!("no result of {node}\n");
        };
        let message = self.stable(result.message.as_deref().unwrap_or("no message"));
        if !expected.trim().is_empty() && expected.lines().all(|line| message.lines().any(|own| own == line)) {
            return expected.to_owned();
        }
        format!("{message}\n")
    }

    pub fn error(&self) -> String {
        match &self.error {
            Some(error) => format!("{}\n", self.stable(&error.to_string())),
            None => "no error\n".into(),
        }
    }

    pub fn events(&self) -> String {
        let mut lines = self.listener.lines.lock().unwrap().clone();
        lines.sort();
        lines.iter().map(|line| format!("{}\n", self.stable(line))).collect()
    }

    pub fn compiled(&self, path: &str) -> String {
        let path = self.path().join("target/compiled/shop").join(path);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let lines = text.trim().lines().map(|line| format!("{}\n", line.trim_end()));
                lines.filter(|line| line != "\n").collect()
            }
            Err(error) => format!("{}: {error}\n", path.display()),
        }
    }

    fn stable(&self, text: &str) -> String {
        let canonical = self.path().canonicalize().unwrap();
        text.replace(&canonical.display().to_string(), "DIR").replace(&self.path().display().to_string(), "DIR")
    }
}

/// A node that a check finds fault with must not succeed, in any test there is.
fn never_wrong(before: &CheckReport, summary: &Summary) {
    for node in before.nodes.iter().filter(|node| node.state == CheckState::Failed) {
        let result = summary.results.iter().find(|result| result.unique_id == node.unique_id);
        let is_good = result.is_some_and(|result| {
            matches!(result.status, Status::Success | Status::Pass | Status::Warn | Status::Fail)
        });
        assert!(!is_good, "{} ran well, but the check said: {:?}", node.unique_id, node.problems);
    }
}

fn line(result: &NodeResult) -> String {
    let mut line = format!("{} {} {}", result.resource_type, result.name, result.status.name());
    if let Some(rows) = result.rows {
        line.push_str(&format!(", {rows} rows"));
    }
    if let Some(failures) = result.failures.filter(|failures| *failures > 0) {
        line.push_str(&format!(", {failures} failures"));
    }
    line
}
