//! What all steps of one run share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use millstream_core::warehouse::{Dialect, QueryOptions, Staged};
use millstream_core::{Clock, Error, Result, TableName, Warehouse};
use millstream_project::{Batch, CompileOptions, CompiledNode, Hook, Materialization, Node, Project, Reading, Window};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::adapter::{self, Temporary, WarehouseAdapter};
use crate::artifacts::compiled;
use crate::event::EventGate;
use crate::execute::known::Known;
use crate::{Cancel, Request, Runner, Verb};

/// The seams, the request's switches, and who works on what.
pub(crate) struct Session {
    pub(crate) project: Arc<Project>,
    pub(crate) warehouse: Arc<dyn Warehouse>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Arc<EventGate>,
    pub(crate) cancel: Cancel,
    pub(crate) verb: Verb,
    pub(crate) full_refresh: bool,
    pub(crate) warn_error: bool,
    pub(crate) store_failures: Option<bool>,
    /// What need not be done again.
    pub(crate) known: Option<Arc<Known>>,
    /// How `ref()` and `source()` read: `--empty`, `--sample`, `--defer`.
    pub(crate) reading: Reading,
    /// `--event-time-start` and `--event-time-end`.
    pub(crate) event_times: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    /// Batches to build instead of those that are due, by model.
    pub(crate) batches: BTreeMap<String, Vec<Window>>,
    /// Versions of tables that are read, whatever is loaded meanwhile.
    pub(crate) pins: BTreeMap<TableName, u64>,
    pub(crate) target_dir: PathBuf,
    pub(crate) invocation_id: String,
    /// When the run started: the time of everything that must have one time in a run (snapshots).
    pub(crate) started_at: DateTime<Utc>,
    /// Nodes that have a result in the end.
    pub(crate) total: usize,
    /// Temporary relations that statements have made.
    pub(crate) temporary: Arc<Temporary>,
    /// Unique ids of the selected nodes, for `selected_resources`.
    selected: Arc<[String]>,
    /// Unit tests in the form of nodes, by unique id.
    units: BTreeMap<String, Node>,
    permits: Arc<Semaphore>,
    started: AtomicUsize,
    idle_threads: Mutex<BTreeSet<usize>>,
}

/// The right to work on one node; gives its place back when it is dropped.
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
    session: Arc<Session>,
    thread: usize,
}

impl Slot {
    /// As dbt names its workers.
    pub(crate) fn thread_id(&self) -> String {
        thread_id(self.thread)
    }
}

pub(crate) fn thread_id(thread: usize) -> String {
    format!("Thread-{thread} (worker)")
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.session.idle().insert(self.thread);
    }
}

/// A node whose text is rendered and written to the target folder.
pub(crate) struct Compiled {
    pub(crate) node: CompiledNode,
    /// Where it was written, from the project folder.
    pub(crate) path: Option<String>,
}

impl Session {
    pub(crate) fn new(
        runner: &Runner,
        request: &Request,
        invocation_id: &str,
        started_at: DateTime<Utc>,
        total: usize,
        events: Arc<EventGate>,
    ) -> Self {
        let threads = request.threads.max(1);
        Self {
            project: Arc::clone(&runner.project),
            warehouse: Arc::clone(&runner.warehouse),
            clock: Arc::clone(&runner.clock),
            events,
            cancel: request.cancel.clone(),
            verb: request.verb,
            full_refresh: request.full_refresh,
            warn_error: request.warn_error,
            store_failures: request.store_failures,
            known: request.known.clone(),
            reading: request.reading.clone(),
            event_times: (request.event_time_start, request.event_time_end),
            batches: request.batches.clone(),
            pins: BTreeMap::new(),
            target_dir: runner.target_dir.clone(),
            invocation_id: invocation_id.to_owned(),
            started_at,
            total,
            temporary: Arc::default(),
            selected: request.selected.iter().cloned().collect(),
            units: units(&runner.project, request),
            permits: Arc::new(Semaphore::new(threads)),
            started: AtomicUsize::new(0),
            idle_threads: Mutex::new((1..=threads).collect()),
        }
    }

    /// A node, or a unit test in the form of one.
    pub(crate) fn node(&self, unique_id: &str) -> Option<&Node> {
        self.project.manifest.node(unique_id).or_else(|| self.units.get(unique_id))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, BTreeSet<usize>> {
        self.idle_threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a free place; places are given in the order in which they are asked for.
    pub(crate) async fn slot(self: &Arc<Self>) -> Result<Slot> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|error| Error::ours("the worker places were closed").why(error))?;
        let thread = self.idle().pop_first().unwrap_or(0);
        Ok(Slot { _permit: permit, session: Arc::clone(self), thread })
    }

    /// The number of the next node to start, from 1.
    pub(crate) fn next_index(&self) -> usize {
        self.started.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The language of the project's SQL.
    pub(crate) fn dialect(&self) -> Dialect {
        Dialect::of_adapter(&self.project.target.kind)
    }

    /// Whether the command may change relations.
    pub(crate) fn may_write(&self) -> bool {
        self.verb != Verb::Compile
    }

    /// Carries out the statements of a hook or template and reads their rows to the end, for their errors.
    pub(crate) async fn execute(&self, sql: &str) -> Result<()> {
        // A statement changes what is there now, not what the run saw when it started.
        let options = QueryOptions { pins: BTreeMap::new(), ..self.query_options(&[]) };
        let done = adapter::execute(&*self.warehouse, sql, &options, &self.events, &self.temporary).await?;
        for result in done.into_iter().filter_map(|one| one.result) {
            result.stream.try_for_each(|_| async { Ok(()) }).await?;
        }
        Ok(())
    }

    /// What queries of a node read: published versions, with these staged ones in front.
    pub(crate) fn query_options(&self, staged: &[Arc<dyn Staged>]) -> QueryOptions {
        QueryOptions {
            staged: staged.to_vec(),
            pins: self.pins.clone(),
            default_schema: Some(self.project.target.schema.clone()),
            dialect: self.dialect(),
            ..QueryOptions::default()
        }
    }

    /// How texts are rendered in this run. Must be called inside of the asynchronous runtime.
    pub(crate) fn compile_options(
        &self,
        staged: &[Arc<dyn Staged>],
        context: serde_json::Map<String, serde_json::Value>,
    ) -> CompileOptions {
        self.compile_options_logging(staged, context, None)
    }

    /// As [`Session::compile_options`]; the statements that templates carry out are noted.
    fn compile_options_logging(
        &self,
        staged: &[Arc<dyn Staged>],
        context: serde_json::Map<String, serde_json::Value>,
        log: Option<Arc<Mutex<Vec<String>>>>,
    ) -> CompileOptions {
        let adapter = WarehouseAdapter {
            warehouse: Arc::clone(&self.warehouse),
            options: self.query_options(staged),
            events: Arc::clone(&self.events),
            cancel: self.cancel.clone(),
            runtime: tokio::runtime::Handle::current(),
            type_name: self.project.target.kind.clone(),
            naming: self.project.naming(),
            database: self.project.target.database.clone(),
            may_write: self.may_write(),
            temporary: Arc::clone(&self.temporary),
            log,
        };
        CompileOptions {
            full_refresh: self.full_refresh,
            context,
            reading: self.reading.clone(),
            selected: Arc::clone(&self.selected),
            ..CompileOptions::new(Arc::new(adapter), self.verb.name())
        }
    }

    /// Renders a node and writes its SQL to `target/compiled`, on a thread that may block.
    pub(crate) async fn compile(&self, node: &Node, staged: &[Arc<dyn Staged>]) -> Result<Compiled> {
        if let Some((sql, path)) = self.known.as_ref().and_then(|known| known.text(node)) {
            let node = CompiledNode { sql: sql.to_string(), is_steady: true, ..CompiledNode::default() };
            return Ok(Compiled { node, path });
        }
        let options = self.compile_options(staged, serde_json::Map::new());
        let id = node.unique_id.clone();
        let compiled = self.compile_to_file(node, None, move |project| project.compile(&id, &options)).await?;
        if let Some(known) = self.known.as_ref().filter(|_| compiled.node.is_steady) {
            known.note_text(node, &compiled.node.sql, compiled.path.clone());
        }
        Ok(compiled)
    }

    /// Renders one batch of a microbatch model.
    pub(crate) async fn compile_batch(
        &self,
        node: &Node,
        label: &str,
        batch: Batch,
        staged: &[Arc<dyn Staged>],
    ) -> Result<Compiled> {
        let mut options = self.compile_options(staged, serde_json::Map::new());
        options.batch = Some(batch);
        let id = node.unique_id.clone();
        self.compile_to_file(node, Some(label), move |project| project.compile(&id, &options)).await
    }

    /// Renders on a thread that may block, and writes the SQL to the node's (or batch's) file in `target/compiled`.
    pub(crate) async fn compile_to_file(
        &self,
        node: &Node,
        batch: Option<&str>,
        render: impl FnOnce(&Project) -> Result<CompiledNode> + Send + 'static,
    ) -> Result<Compiled> {
        let project = Arc::clone(&self.project);
        let target_dir = self.target_dir.clone();
        let (node, batch) = (node.clone(), batch.map(str::to_owned));
        blocking(move || {
            let compiled = render(project.as_ref())?;
            let path = match &batch {
                Some(label) => compiled::write_batch(&target_dir, "compiled", &node, label, &compiled.sql)?,
                None => compiled::write(&target_dir, "compiled", &node, &compiled.sql)?,
            };
            Ok(Compiled { node: compiled, path: Some(shown_path(&project.dir, &path)) })
        })
        .await
    }

    /// Runs a materialization written in Jinja for a node whose SQL is rendered. Gives the rows that its statement
    /// `main` changed; what it carried out is written to `target/run`, however it ends.
    pub(crate) async fn materialize(
        &self,
        node: &Node,
        materialization: &Materialization,
        sql: String,
    ) -> Result<Option<u64>> {
        let log = Arc::new(Mutex::default());
        let options = self.compile_options_logging(&[], serde_json::Map::new(), Some(Arc::clone(&log)));
        let project = Arc::clone(&self.project);
        let (id, materialization) = (node.unique_id.clone(), materialization.clone());
        let ran = blocking(move || project.run_materialization(&id, &materialization, &sql, &options)).await;
        let statements: Vec<String> = std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
        self.write_run_sql(node, statements.join(";\n\n")).await?;
        Ok(ran?.and_then(|response| u64::try_from(response.rows_affected?).ok()))
    }

    /// Calls a macro of the project (`run-operation`).
    pub(crate) async fn run_macro(
        &self,
        name: &str,
        arguments: serde_json::Map<String, serde_json::Value>,
    ) -> Result<()> {
        let options = self.compile_options(&[], serde_json::Map::new());
        let project = Arc::clone(&self.project);
        let name = name.to_owned();
        blocking(move || project.run_macro(&name, &arguments, &options).map(|_| ())).await
    }

    /// Renders a node without leaving a file.
    pub(crate) async fn compile_quietly(&self, node: &Node, staged: &[Arc<dyn Staged>]) -> Result<CompiledNode> {
        let options = self.compile_options(staged, serde_json::Map::new());
        let project = Arc::clone(&self.project);
        let id = node.unique_id.clone();
        blocking(move || project.compile(&id, &options)).await
    }

    /// Renders a hook of a node, now.
    pub(crate) async fn compile_hook(&self, node: &Node, hook: &Hook) -> Result<String> {
        let options = self.compile_options(&[], serde_json::Map::new());
        let project = Arc::clone(&self.project);
        let (id, hook) = (node.unique_id.clone(), hook.clone());
        blocking(move || project.compile_hook(&id, &hook, &options)).await
    }

    /// Renders a hook of the project with what `on-run-end` sees.
    pub(crate) async fn compile_operation(
        &self,
        unique_id: &str,
        context: serde_json::Map<String, serde_json::Value>,
    ) -> Result<CompiledNode> {
        let options = self.compile_options(&[], context);
        let project = Arc::clone(&self.project);
        let id = unique_id.to_owned();
        blocking(move || project.compile(&id, &options)).await
    }

    /// Renders a setting of the project that may be Jinja, with further names.
    pub(crate) async fn compile_text(
        &self,
        text: &str,
        context: serde_json::Map<String, serde_json::Value>,
    ) -> Result<String> {
        let options = self.compile_options(&[], context);
        let (project, text) = (Arc::clone(&self.project), text.to_owned());
        blocking(move || project.compile_inline(&text, &options).map(|compiled| compiled.sql)).await
    }

    /// Renders text that is not in the project.
    pub(crate) async fn compile_inline(&self, sql: &str) -> Result<CompiledNode> {
        let options = self.compile_options(&[], serde_json::Map::new());
        let project = Arc::clone(&self.project);
        let sql = sql.to_owned();
        blocking(move || project.compile_inline(&sql, &options)).await
    }

    /// Writes what was carried out for a node to `target/run`.
    pub(crate) async fn write_run_sql(&self, node: &Node, sql: String) -> Result<()> {
        if self.known.as_ref().is_some_and(|known| known.is_written(node, &sql)) {
            return Ok(());
        }
        let target_dir = self.target_dir.clone();
        let node = node.clone();
        blocking(move || compiled::write(&target_dir, "run", &node, &sql).map(|_| ())).await
    }
}

/// Runs work that blocks on a thread that is made for it.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Error::ours("a worker thread ended badly").why(error)),
    }
}

/// A path as the user would type it from the project folder.
pub(crate) fn shown_path(project_dir: &Path, path: &Path) -> String {
    path.strip_prefix(project_dir).unwrap_or(path).display().to_string()
}

/// The selected unit tests in the form of nodes.
fn units(project: &Project, request: &Request) -> BTreeMap<String, Node> {
    let manifest = &project.manifest;
    let selected = request.selected.iter().filter_map(|id| manifest.unit_tests.get(id));
    selected
        .filter_map(|test| {
            let tested = manifest.node(&test.tested_node)?;
            let package_dir = project.config.packages.get(&test.package_name).cloned().unwrap_or_default();
            Some((test.unique_id.clone(), crate::unit_test::node(test, tested, package_dir)))
        })
        .collect()
}
