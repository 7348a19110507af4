//! The runner and its parts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use millstream_core::{Clock, Error, Progress, Result, Warehouse};
use millstream_project::Project;
use millstream_store::{RunRecord, RunStatus, Store};

use crate::artifacts::{write_manifest, write_run_results};
use crate::check::CheckOptions;
use crate::event::EventGate;
use crate::execute::session::{Session, blocking};
use crate::execute::{carry_out, hooks};
use crate::history::{self, Scope};
use crate::plan::Plan;
use crate::{Event, Events, Ids, NodeResult, Request, Summary, Verb};

/// Does the work. All fields are seams, put together by the binary (or a test). Clones share them.
#[derive(Clone)]
pub struct Runner {
    /// The project, read and without errors.
    pub project: Arc<Project>,
    /// Where relations live.
    pub warehouse: Arc<dyn Warehouse>,
    /// Where runs and the ledger are recorded.
    pub store: Arc<Store>,
    /// The workspace folder: its locks are taken for every request that writes.
    pub workspace: PathBuf,
    /// Where artefacts and compiled SQL go, usually `target` in the project folder.
    pub target_dir: PathBuf,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids of runs.
    pub ids: Arc<dyn Ids>,
    /// Told what happens.
    pub events: Arc<dyn Events>,
    /// Told how far long work is (ingestion).
    pub progress: Arc<dyn Progress>,
}

impl Runner {
    /// Carries out a request. Failures of nodes are in the summary, not errors.
    ///
    /// # Errors
    /// The workspace is held by another process, or an artefact or a record cannot be written.
    pub async fn execute(&self, request: &Request) -> Result<Summary> {
        let plan = Plan::new(&self.project.manifest, request.verb, &request.selected)?;
        let scope = Scope::of(request);
        let lock = match request.lock {
            Some(_) => None,
            None => self.enter(scope, request.lock_wait, &request.cancel).await?,
        };
        let began = Instant::now();
        let started_at = self.clock.now();
        let invocation_id = self.ids.invocation_id();
        let run = RunRecord {
            invocation_id: invocation_id.clone(),
            command: request.verb.name().to_owned(),
            args: request.args.clone().into(),
            started_at,
            finished_at: None,
            status: RunStatus::Running,
            pid: std::process::id(),
            message: None,
            cause: request.cause.clone(),
            attempt: request.attempt,
        };
        let is_recorded = request.verb != Verb::Compile;
        if is_recorded {
            self.store.start_run(&run)?;
        }
        let done = self.work(request, plan, &invocation_id, started_at, began, is_recorded).await;
        if is_recorded {
            let (status, message) = history::ending(&done);
            self.store.finish_run(&invocation_id, status, self.clock.now(), Some(&message))?;
        }
        drop(lock);
        done
    }

    async fn work(
        &self,
        request: &Request,
        plan: Plan,
        invocation_id: &str,
        started_at: DateTime<Utc>,
        began: Instant,
        is_recorded: bool,
    ) -> Result<Summary> {
        if request.check && !matches!(request.verb, Verb::Compile | Verb::Seed | Verb::Clone) {
            self.check(request, CheckOptions::default()).await?.into_result()?;
        }
        if !matches!(request.verb, Verb::Compile | Verb::Seed | Verb::Clone) {
            self.make_raw_tables(request).await?;
        }
        let events = Arc::new(EventGate::new(Arc::clone(&self.events)));
        let mut session = Session::new(self, request, invocation_id, started_at, plan.total(), Arc::clone(&events));
        session.pins = match &request.pins {
            Some(pins) => pins.clone(),
            None => self.pins().await?,
        };
        let has_hooks = !matches!(request.verb, Verb::Compile | Verb::Clone) && !plan.steps.is_empty();
        if has_hooks {
            session.total += hooks::of(&session, "on-run-start").len() + hooks::of(&session, "on-run-end").len();
        }
        let session = Arc::new(session);
        events.on(&Event::RunStarted {
            invocation_id,
            verb: request.verb,
            total: session.total,
            threads: request.threads.max(1),
        });
        let record = |results: &[NodeResult]| match is_recorded && !results.is_empty() {
            true => self.store.record_nodes(invocation_id, &history::records(results, started_at)),
            false => Ok(()),
        };
        let mut results = Vec::new();
        if has_hooks {
            results = hooks::run(&session, &hooks::of(&session, "on-run-start"), serde_json::Map::new()).await?;
            record(&results)?;
        }
        let plan = Arc::new(plan);
        if results.iter().any(|result| result.status.is_failure()) {
            let skipped = crate::execute::skip_all(&session, &plan, "because an on-run-start hook failed");
            record(&skipped)?;
            results.extend(skipped);
        } else {
            results.extend(carry_out(&session, plan, request.fail_fast, record).await?);
        }
        if has_hooks {
            let context = hooks::end_context(&session, &results);
            let ended = hooks::run(&session, &hooks::of(&session, "on-run-end"), context).await?;
            record(&ended)?;
            results.extend(ended);
        }
        session.temporary.drop_all(&*self.warehouse, &events).await;
        let summary = Summary {
            invocation_id: invocation_id.to_owned(),
            results,
            elapsed_s: began.elapsed().as_secs_f64(),
            cancelled: request.cancel.is_cancelled(),
        };
        if !request.artefacts {
            return Ok(summary);
        }
        self.write_artifacts(&request.args, summary, started_at).await
    }

    /// Writes the manifest and the run results of what was carried out with these arguments.
    pub(crate) async fn write_artifacts(
        &self,
        args: &serde_json::Map<String, serde_json::Value>,
        summary: Summary,
        started_at: DateTime<Utc>,
    ) -> Result<Summary> {
        let (project, target_dir, args) = (Arc::clone(&self.project), self.target_dir.clone(), args.clone());
        let generated_at = self.clock.now();
        blocking(move || {
            let id = &summary.invocation_id;
            write_manifest(&target_dir, &project, &summary.results, id, started_at, generated_at)?;
            write_run_results(&target_dir, &project.manifest, &summary, &args, started_at, generated_at)?;
            Ok(summary)
        })
        .await
    }

    /// The SQL of one node (a model, an analysis, a test) as it would run now. It is written to `target/compiled`.
    ///
    /// # Errors
    /// The node is not in the project, or its text cannot be rendered.
    pub async fn compile_node(&self, unique_id: &str) -> Result<String> {
        let session = self.compile_session();
        let node = self.project.manifest.node(unique_id);
        let node = node.ok_or_else(|| Error::usage(format!("{unique_id} is not a node of the project")))?;
        Ok(session.compile(node, &[]).await?.node.sql)
    }

    /// Renders SQL with Jinja that is not in the project, as `compile --inline` and `query` do.
    ///
    /// # Errors
    /// The text cannot be rendered.
    pub async fn compile_inline(&self, sql: &str) -> Result<String> {
        Ok(self.compile_session().compile_inline(sql).await?.sql)
    }

    fn compile_session(&self) -> Session {
        let request = Request::new(Verb::Compile, []);
        let events = Arc::new(EventGate::new(Arc::clone(&self.events)));
        Session::new(self, &request, &self.ids.invocation_id(), self.clock.now(), 1, events)
    }
}
