//! `run-operation`: calls one macro of the project, under the lock of the workspace.
//!
//! Guarantees: the macro sees the warehouse as a hook does, and its statements change it as they come; the run is
//! recorded and leaves `run_results.json` with one result, as in dbt. Hooks of the project do not run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use millstream_core::{Error, Result};
use millstream_store::{RunRecord, RunStatus};
use serde_json::{Map, Value};

use crate::event::EventGate;
use crate::execute::session::{Session, thread_id};
use crate::history::{self, Scope};
use crate::{Cancel, NodeResult, Request, Runner, Status, Summary, Timing, Verb};

/// What `run-operation` is asked to do.
#[derive(Debug, Clone)]
pub struct OperationRequest {
    /// The macro, with its package where it is not the project's own: `drop_old`, `dbt_utils.log_info`.
    pub name: String,
    /// Its arguments, by name.
    pub arguments: Map<String, Value>,
    /// The command's arguments as given, for `run_results.json` and the history.
    pub args: Map<String, Value>,
    /// How long to wait for another process that holds the workspace; zero fails at once.
    pub lock_wait: Duration,
    /// Ends the operation early.
    pub cancel: Cancel,
}

impl Runner {
    /// Calls the macro. Its failure is in the summary, not an error.
    ///
    /// # Errors
    /// The macro does not exist (usage), the workspace is held by another process, or an artefact or a record cannot
    /// be written.
    pub async fn run_operation(&self, operation: &OperationRequest) -> Result<Summary> {
        let id = self.macro_id(&operation.name)?;
        let request = Request { cancel: operation.cancel.clone(), ..Request::new(Verb::RunOperation, []) };
        let lock = self.enter(Scope::Build, operation.lock_wait, &operation.cancel).await?;
        let (began, started_at) = (Instant::now(), self.clock.now());
        let invocation_id = self.ids.invocation_id();
        self.store.start_run(&RunRecord {
            invocation_id: invocation_id.clone(),
            command: Verb::RunOperation.name().to_owned(),
            args: operation.args.clone().into(),
            started_at,
            finished_at: None,
            status: RunStatus::Running,
            pid: std::process::id(),
            message: None,
            cause: request.cause.clone(),
            attempt: request.attempt,
        })?;
        let events = Arc::new(EventGate::new(Arc::clone(&self.events)));
        let session = Session::new(self, &request, &invocation_id, started_at, 1, Arc::clone(&events));
        let ran = session.cancel.race(session.run_macro(&operation.name, operation.arguments.clone())).await;
        session.temporary.drop_all(&*self.warehouse, &events).await;
        let is_cancelled = operation.cancel.is_cancelled();
        let done = async {
            let result = self.operation_result(&id, &operation.name, ran, started_at, began);
            self.store.record_nodes(&invocation_id, &history::records(std::slice::from_ref(&result), started_at))?;
            let summary = Summary {
                invocation_id: invocation_id.clone(),
                results: vec![result],
                elapsed_s: began.elapsed().as_secs_f64(),
                cancelled: is_cancelled,
            };
            self.write_artifacts(&operation.args, summary, started_at).await
        };
        let done = done.await;
        let (status, message) = history::ending(&done);
        self.store.finish_run(&invocation_id, status, self.clock.now(), Some(&message))?;
        drop(lock);
        done
    }

    /// The unique id of the macro that a name means: the project's own, else dbt's.
    fn macro_id(&self, name: &str) -> Result<String> {
        let macros = &self.project.manifest.macros;
        let candidates = match name.split_once('.') {
            Some(_) => vec![format!("macro.{name}")],
            None => vec![format!("macro.{}.{name}", self.project.config.name), format!("macro.dbt.{name}")],
        };
        if let Some(found) = candidates.into_iter().find(|id| macros.contains_key(id)) {
            return Ok(found);
        }
        let error = Error::usage(format!("there is no macro '{name}' in the project"));
        let mut elsewhere = macros.values().filter(|known| known.name == name);
        Err(match elsewhere.next() {
            Some(known) => error.hint(format!("it is in a package: write {}.{name}", known.package_name)),
            None => error.hint("macros are defined in the folders of 'macro-paths', with {% macro name(…) %}"),
        })
    }

    fn operation_result(
        &self,
        id: &str,
        name: &str,
        ran: Result<()>,
        started_at: DateTime<Utc>,
        began: Instant,
    ) -> NodeResult {
        let is_good = ran.is_ok();
        NodeResult {
            unique_id: id.to_owned(),
            resource_type: "operation".into(),
            name: name.to_owned(),
            status: if is_good { Status::Success } else { Status::Error },
            message: ran.err().map(|error| error.to_string()),
            rows: None,
            failures: Some(u64::from(!is_good)),
            relation: None,
            version: None,
            path: self.project.manifest.macros.get(id).map(|it| it.place.file.clone()).unwrap_or_default(),
            compiled_path: None,
            compiled_code: None,
            batches: None,
            short_of_memory: false,
            timing: vec![Timing { name: "execute", started_at, completed_at: self.clock.now() }],
            execution_time_s: began.elapsed().as_secs_f64(),
            thread_id: thread_id(1),
        }
    }
}
