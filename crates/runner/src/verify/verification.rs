//! One verification: jobs in order, each recomputed, compared when it was asked for, and forgotten when nothing needs it
//! any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use millstream_core::warehouse::{QueryOptions, QueryResult};
use millstream_core::{Result, TableName, Warehouse};
use millstream_project::{Node, ResourceType};

use super::compare::{Bag, Comparison, Limits, compare};
use super::cut::{Cuts, Job, node};
use super::recompute::{self, Recomputed, Seen};
use super::role::{Role, role};
use super::{Verified, VerifyRequest, VerifyStatus, VerifySummary};
use crate::materialize::{quote, quoted};
use crate::sqltype::sql_type;
use crate::{Request, Runner, Verb};

/// Commits that are looked at for the last one that changed rows.
const COMMITS_MAX: usize = 50;

pub(super) struct Verification<'a> {
    runner: &'a Runner,
    request: &'a VerifyRequest,
    /// Switches of the runs that render models.
    rendering: Request,
    cuts: Cuts<'a>,
    jobs: Vec<Job>,
    models: Vec<Verified>,
    /// Numbers in `models` of those that are compared, by unique id.
    wanted: BTreeMap<String, usize>,
}

/// How a job ended.
enum Ended {
    Staged(Recomputed),
    /// Why it could not be recomputed.
    Failed(String),
}

impl<'a> Verification<'a> {
    pub(super) async fn new(runner: &'a Runner, request: &'a VerifyRequest) -> Result<Self> {
        let project = runner.project.as_ref();
        let mut models = Vec::new();
        let mut compared = BTreeSet::new();
        for id in &request.selected {
            let Some(node) = project.manifest.node(id).filter(|node| node.is_relational()) else { continue };
            let passed = match role(project, node) {
                Role::Table => {
                    compared.insert(id.clone());
                    None
                }
                Role::View => Some("a view stores nothing"),
                Role::Ephemeral => continue,
                Role::Stored(_) if node.resource_type != ResourceType::Model => continue,
                Role::Stored(reason) => Some(reason),
            };
            models.push(blank(node, passed));
        }
        models.sort_by(|a, b| a.table.cmp(&b.table));
        let wanted = models.iter().enumerate().map(|(at, model)| (model.unique_id.clone(), at));
        let wanted = wanted.filter(|(id, _)| compared.contains(id)).collect();
        let cuts = Cuts::new(project, runner.warehouse.as_ref(), &compared).await?;
        let jobs = cuts.jobs(&compared).await?;
        let rendering = Request { cancel: request.cancel.clone(), ..Request::new(Verb::Compile, []) };
        Ok(Self { runner, request, rendering, cuts, jobs, models, wanted })
    }

    pub(super) async fn run(mut self) -> Result<VerifySummary> {
        let jobs = std::mem::take(&mut self.jobs);
        let mut readers = vec![0usize; jobs.len()];
        jobs.iter().flat_map(|job| &job.inputs).for_each(|input| readers[*input] += 1);
        let mut ended: Vec<Option<Ended>> = Vec::with_capacity(jobs.len());
        self.runner.progress.start("verify", Some(jobs.len() as u64), "model");
        for (number, job) in jobs.iter().enumerate() {
            if self.request.cancel.is_cancelled() {
                break;
            }
            let began = Instant::now();
            let done = self.recompute(job, &ended).await?;
            if self.is_asked_for(job)
                && let Some(at) = self.wanted.get(&job.key.id).copied()
            {
                self.judge(at, job, &done, &stored_reads(&jobs, number)).await?;
                self.models[at].elapsed_s = began.elapsed().as_secs_f64();
                self.runner.progress.note(&told(&self.models[at]));
            }
            ended.push(Some(done));
            if readers[number] == 0 {
                forget(&mut ended[number]).await;
            }
            for input in &job.inputs {
                readers[*input] -= 1;
                if readers[*input] == 0 {
                    forget(&mut ended[*input]).await;
                }
            }
            self.runner.progress.set(number as u64 + 1);
        }
        let cancelled = self.request.cancel.is_cancelled();
        Ok(VerifySummary { models: self.models, cancelled })
    }

    /// Whether the job makes the version of the model that is stored now.
    fn is_asked_for(&self, job: &Job) -> bool {
        let Some(node) = self.runner.project.manifest.node(&job.key.id) else { return false };
        let stored = self.cuts.latest.get(&node.table_name()).map(|state| state.version);
        job.key.at.is_none() || job.key.at == stored
    }

    async fn recompute(&self, job: &Job, ended: &[Option<Ended>]) -> Result<Ended> {
        let project = self.runner.project.as_ref();
        let mut inputs = Vec::with_capacity(job.inputs.len());
        let mut seen = Seen::default();
        for input in &job.inputs {
            match ended.get(*input).and_then(Option::as_ref) {
                Some(Ended::Staged(done)) => {
                    inputs.push(Arc::clone(&done.staged));
                    seen.add(&done.seen);
                }
                Some(Ended::Failed(reason)) => return Ok(Ended::Failed(reason.clone())),
                None => return Ok(Ended::Failed("what it reads was not recomputed".into())),
            }
        }
        let node = node(project, &job.key.id)?;
        let views: Vec<&Node> = job.views.iter().filter_map(|id| project.manifest.node(id)).collect();
        let done = recompute::table(self.runner, &self.rendering, node, &views, inputs, &job.pins).await;
        Ok(match done {
            Ok(mut done) => {
                done.seen.add(&seen);
                Ended::Staged(done)
            }
            Err(_) if self.request.cancel.is_cancelled() => Ended::Failed("the work was ended".into()),
            Err(error) => Ended::Failed(error.context(format!("{} cannot be recomputed", node.name)).to_string()),
        })
    }

    /// Fills in a model's result.
    async fn judge(&mut self, at: usize, job: &Job, done: &Ended, reads: &BTreeSet<TableName>) -> Result<()> {
        let node = node(&self.runner.project, &job.key.id)?.clone();
        let name = node.table_name();
        let outcome = match done {
            Ended::Failed(reason) => Outcome::note(VerifyStatus::Failed, reason.clone()),
            Ended::Staged(done) => match self.cuts.latest.get(&name).map(|state| state.version) {
                Some(version) => self.compared(&node, version, job, done, reads).await,
                None => Outcome::note(VerifyStatus::NotBuilt, "there is no table; build it first".into()),
            },
        };
        if self.request.cancel.is_cancelled() {
            return Ok(());
        }
        let model = &mut self.models[at];
        model.status = outcome.status;
        model.note = outcome.note;
        model.columns = outcome.columns;
        if let Some(found) = outcome.found {
            model.rows_stored = Some(found.rows_stored);
            model.rows_recomputed = Some(found.rows_recomputed);
            (model.missing, model.extra, model.rows) = (found.missing, found.extra, found.rows);
        }
        Ok(())
    }

    async fn compared(
        &self,
        node: &Node,
        version: u64,
        job: &Job,
        done: &Recomputed,
        reads: &BTreeSet<TableName>,
    ) -> Outcome {
        let name = node.table_name();
        let outcome = self.try_compare(node, &name, version, done).await;
        let mut outcome = outcome.unwrap_or_else(|error| Outcome::note(VerifyStatus::Failed, error.to_string()));
        if outcome.status == VerifyStatus::Different {
            if let Some(volatile) = &done.seen.volatile {
                outcome.status = VerifyStatus::NotComparable;
                // What differs this time says nothing.
                outcome.found.iter_mut().for_each(|found| found.rows.clear());
                outcome.add(format!("its rows are other ones each time: {volatile}"));
            } else if job.key.at.is_none()
                && let Some(newer) = self.newer_input(&name, reads).await
            {
                outcome.add(format!("{newer} has changed since it was built; build again, then verify"));
            } else if let Some(ordered) = &done.seen.ordered {
                outcome.add(format!(
                    "perhaps only of order: which of equal rows {ordered} takes first is left open; order by something unique"
                ));
            }
        }
        outcome
    }

    async fn try_compare(&self, node: &Node, name: &TableName, version: u64, done: &Recomputed) -> Result<Outcome> {
        let stored = QueryOptions { pins: BTreeMap::from([(name.clone(), version)]), ..QueryOptions::default() };
        let fresh = QueryOptions { staged: vec![Arc::clone(&done.staged)], ..QueryOptions::default() };
        let warehouse = Arc::clone(&self.runner.warehouse);
        let all = format!("select * from {}", quoted(node));
        let have = warehouse.query(&all, &stored).await?.schema;
        let want = warehouse.query(&all, &fresh).await?.schema;
        let mut differences = Vec::new();
        for field in have.fields() {
            match want.field_with_name(field.name()) {
                Ok(other) if other.data_type() == field.data_type() => {}
                Ok(other) => differences.push(format!(
                    "column '{}' is {}, recomputed it is {}",
                    field.name(),
                    sql_type(field.data_type()),
                    sql_type(other.data_type())
                )),
                Err(_) => differences.push(format!("column '{}' is stored and not recomputed", field.name())),
            }
        }
        let new = want.fields().iter().filter(|field| have.field_with_name(field.name()).is_err());
        differences.extend(new.map(|field| format!("column '{}' is not stored", field.name())));
        if !differences.is_empty() {
            return Ok(Outcome::note(VerifyStatus::Different, differences.join("; ")));
        }
        let columns: Vec<String> = have.fields().iter().map(|field| field.name().clone()).collect();
        let listed = columns.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ");
        let sql = format!("select {listed} from {}", quoted(node));
        let stored = Read { warehouse: Arc::clone(&warehouse), sql: sql.clone(), options: stored };
        let fresh = Read { warehouse, sql, options: fresh };
        let found = compare(&stored, &fresh, Limits::showing(self.request.limit), &self.request.cancel).await?;
        Ok(Outcome::of(columns, found))
    }

    /// A table that is taken as it is stored, and was changed after the model was built.
    async fn newer_input(&self, name: &TableName, reads: &BTreeSet<TableName>) -> Option<TableName> {
        let built = self.runner.warehouse.history(name, COMMITS_MAX).await.ok()?;
        let built = built.iter().find(|commit| commit.changes_rows())?.at;
        for input in reads {
            let commits = self.runner.warehouse.history(input, COMMITS_MAX).await.ok()?;
            if commits.iter().find(|commit| commit.changes_rows()).is_some_and(|commit| commit.at > built) {
                return Some(input.clone());
            }
        }
        None
    }
}

/// What a job and those that it reads take as it is stored.
fn stored_reads(jobs: &[Job], number: usize) -> BTreeSet<TableName> {
    let mut seen = BTreeSet::from([number]);
    let mut open = vec![number];
    while let Some(at) = open.pop() {
        open.extend(jobs[at].inputs.iter().filter(|input| seen.insert(**input)));
    }
    seen.into_iter().flat_map(|at| jobs[at].pins.keys().cloned()).collect()
}

/// The rows of one query.
struct Read {
    warehouse: Arc<dyn Warehouse>,
    sql: String,
    options: QueryOptions,
}

#[async_trait]
impl Bag for Read {
    async fn read(&self) -> Result<QueryResult> {
        self.warehouse.query(&self.sql, &self.options).await
    }
}

struct Outcome {
    status: VerifyStatus,
    note: Option<String>,
    columns: Vec<String>,
    found: Option<Comparison>,
}

impl Outcome {
    fn note(status: VerifyStatus, note: String) -> Self {
        Self { status, note: Some(note), columns: Vec::new(), found: None }
    }

    fn of(columns: Vec<String>, found: Comparison) -> Self {
        let is_equal = found.missing + found.extra == 0 && found.is_counted;
        let status = if is_equal { VerifyStatus::Equal } else { VerifyStatus::Different };
        let mut outcome = Self { status, note: None, columns, found: None };
        if found.close > 0 {
            outcome.add(format!("{} differ in the last digits of floats only", rows(found.close)));
        }
        if !found.is_counted {
            outcome.add("so many rows differ that not all were counted".into());
        }
        Self { found: Some(found), ..outcome }
    }

    fn add(&mut self, text: String) {
        self.note = Some(match self.note.take() {
            Some(note) => format!("{note}; {text}"),
            None => text,
        });
    }
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row".into() } else { format!("{count} rows") }
}

fn blank(node: &Node, passed: Option<&str>) -> Verified {
    Verified {
        unique_id: node.unique_id.clone(),
        table: node.table_name().to_string(),
        status: if passed.is_some() { VerifyStatus::Passed } else { VerifyStatus::Skipped },
        rows_stored: None,
        rows_recomputed: None,
        missing: 0,
        extra: 0,
        columns: Vec::new(),
        rows: Vec::new(),
        note: passed.map(str::to_owned),
        elapsed_s: 0.0,
    }
}

fn told(model: &Verified) -> String {
    match model.status {
        VerifyStatus::Equal => format!("{}: {} equal", model.table, rows(model.rows_stored.unwrap_or_default())),
        VerifyStatus::Different => {
            format!("{}: {} missing, {} too many", model.table, rows(model.missing), rows(model.extra))
        }
        status => format!("{}: {}", model.table, status.name()),
    }
}

/// Removes what was staged; the file system keeps what it cannot remove for the next sweep.
async fn forget(ended: &mut Option<Ended>) {
    if let Some(Ended::Staged(done)) = ended {
        let _ = done.staged.discard().await;
    }
    *ended = None;
}
