//! How old the newest row of each source is (`source freshness`).
//!
//! Follows dbt (<https://docs.getdbt.com/docs/deploy/source-freshness>): the time of the newest row comes from
//! `loaded_at_query`, from the greatest `loaded_at_field` (among the rows that `filter` keeps), or, where neither is
//! given, from the table's own log. A table without rows was never loaded.
//!
//! Guarantees: nothing is changed in the warehouse; `sources.json` (schema v3) is replaced whole.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use millstream_core::warehouse::RelationKind;
use millstream_core::{Error, Result};
use millstream_project::{Freshness, FreshnessThreshold, SourceNode};
use serde::Serialize;

use crate::artifacts::write_sources;
use crate::execute::session::Session;
use crate::{Cancel, Request, Runner, Timing, Verb};

/// What is asked.
#[derive(Debug, Clone)]
pub struct FreshnessRequest {
    /// Unique ids of the selected sources; those whose freshness is not declared are passed over.
    pub selected: BTreeSet<String>,
    /// Sources at a time; at least 1.
    pub threads: usize,
    /// Where the artefact goes instead of `target/sources.json`.
    pub output: Option<PathBuf>,
    /// Ends the work early.
    pub cancel: Cancel,
}

/// How a source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum FreshnessStatus {
    /// Young enough.
    #[serde(rename = "pass")]
    Pass,
    /// Older than `warn_after`.
    #[serde(rename = "warn")]
    Warn,
    /// Older than `error_after`.
    #[serde(rename = "error")]
    Error,
    /// It could not be found out.
    #[serde(rename = "runtime error")]
    RuntimeError,
}

impl FreshnessStatus {
    /// dbt's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::RuntimeError => "runtime error",
        }
    }
}

/// One source's freshness.
#[derive(Debug, Clone)]
pub struct SourceFreshness {
    /// dbt's unique id.
    pub unique_id: String,
    /// `source.table`.
    pub name: String,
    /// How it stands.
    pub status: FreshnessStatus,
    /// Time of the newest row, UTC; none when it could not be found out.
    pub max_loaded_at: Option<DateTime<Utc>>,
    /// When that was asked, UTC.
    pub snapshotted_at: DateTime<Utc>,
    /// What was asked for.
    pub criteria: Freshness,
    /// Why it could not be found out.
    pub error: Option<Error>,
    /// Parts of the work.
    pub timing: Vec<Timing>,
    /// Seconds that it took.
    pub execution_time_s: f64,
}

impl SourceFreshness {
    /// How old the newest row is.
    pub fn age(&self) -> Option<TimeDelta> {
        self.max_loaded_at.map(|at| self.snapshotted_at - at)
    }
}

/// All of them.
#[derive(Debug, Clone)]
pub struct FreshnessSummary {
    /// Id of the run, a UUID.
    pub invocation_id: String,
    /// Every source's freshness, by unique id.
    pub sources: Vec<SourceFreshness>,
    /// Seconds from start to end.
    pub elapsed_s: f64,
}

impl FreshnessSummary {
    /// Whether no source is too old for an error, and all could be asked.
    pub fn is_success(&self) -> bool {
        let is_good = |status| matches!(status, FreshnessStatus::Pass | FreshnessStatus::Warn);
        self.sources.iter().all(|source| is_good(source.status))
    }
}

impl Runner {
    /// Finds out how fresh sources are and writes `sources.json`.
    ///
    /// # Errors
    /// The artefact cannot be written. What goes wrong with a source is in its result.
    pub async fn freshness(&self, request: &FreshnessRequest) -> Result<FreshnessSummary> {
        let began = Instant::now();
        let started_at = self.clock.now();
        let asked = Request { cancel: request.cancel.clone(), ..Request::new(Verb::Compile, []) };
        let invocation_id = self.ids.invocation_id();
        let events = Arc::new(crate::event::EventGate::new(Arc::clone(&self.events)));
        let session = Session::new(self, &asked, &invocation_id, started_at, 0, events);
        let manifest = &self.project.manifest;
        let selected = request.selected.iter().filter_map(|id| manifest.sources.get(id));
        let checked: Vec<(&SourceNode, &Freshness)> =
            selected.filter_map(|source| Some((source, source.freshness.as_ref()?))).collect();
        // Boxed, or the compiler cannot tell that the whole may move between threads.
        let asked: Vec<BoxFuture<'_, SourceFreshness>> =
            checked.into_iter().map(|(source, criteria)| one(&session, source, criteria).boxed()).collect();
        let mut sources: Vec<SourceFreshness> =
            stream::iter(asked).buffer_unordered(request.threads.max(1)).collect().await;
        sources.sort_by(|a, b| a.unique_id.cmp(&b.unique_id));
        let summary = FreshnessSummary { invocation_id, sources, elapsed_s: began.elapsed().as_secs_f64() };
        let path = request.output.clone().unwrap_or_else(|| self.target_dir.join("sources.json"));
        write_sources(&path, &summary, started_at, self.clock.now())?;
        Ok(summary)
    }
}

async fn one(session: &Session, source: &SourceNode, criteria: &Freshness) -> SourceFreshness {
    let began = Instant::now();
    let started_at = session.clock.now();
    let found = session.cancel.race(loaded_at(session, source, criteria)).await;
    let snapshotted_at = session.clock.now();
    let (status, max_loaded_at, error) = match found {
        Ok(at) => (status(criteria, snapshotted_at - at), Some(at), None),
        Err(error) => {
            let error = if error.place().is_some() { error } else { error.at(source.place.clone()) };
            (FreshnessStatus::RuntimeError, None, Some(error))
        }
    };
    SourceFreshness {
        unique_id: source.unique_id.clone(),
        name: format!("{}.{}", source.source_name, source.name),
        status,
        max_loaded_at,
        snapshotted_at,
        criteria: criteria.clone(),
        error,
        timing: vec![Timing { name: "execute", started_at, completed_at: snapshotted_at }],
        execution_time_s: began.elapsed().as_secs_f64(),
    }
}

fn status(criteria: &Freshness, age: TimeDelta) -> FreshnessStatus {
    let is_over = |threshold: &Option<FreshnessThreshold>| threshold.as_ref().is_some_and(|it| age > span(it));
    if is_over(&criteria.error_after) {
        FreshnessStatus::Error
    } else if is_over(&criteria.warn_after) {
        FreshnessStatus::Warn
    } else {
        FreshnessStatus::Pass
    }
}

fn span(threshold: &FreshnessThreshold) -> TimeDelta {
    let minutes = match threshold.period.as_str() {
        "minute" => 1,
        "hour" => 60,
        _ => 24 * 60,
    };
    let count = i64::try_from(threshold.count).unwrap_or(i64::MAX);
    TimeDelta::try_minutes(count.saturating_mul(minutes)).unwrap_or(TimeDelta::MAX)
}

/// When the newest row came. A table without rows: at the beginning of time, as in dbt.
async fn loaded_at(session: &Session, source: &SourceNode, criteria: &Freshness) -> Result<DateTime<Utc>> {
    let sql = match (&source.loaded_at_query, &source.loaded_at_field) {
        (Some(query), _) => render(session, source, query).await?,
        (None, Some(field)) => {
            let condition = match &criteria.filter {
                Some(filter) => format!(" where {}", render(session, source, filter).await?),
                None => String::new(),
            };
            let field = render(session, source, field).await?;
            format!("select max({field}) as max_loaded_at from {}{condition}", source.relation_name)
        }
        (None, None) => return last_commit(session, source).await,
    };
    let result = session.warehouse.query(&sql, &session.query_options(&[])).await?;
    let batches: Vec<_> = result.stream.try_collect().await?;
    let mut cells = batches
        .iter()
        .filter(|batch| batch.num_columns() > 0)
        .flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch.column(0), row)));
    match (cells.next(), cells.next()) {
        (Some((column, row)), None) => Ok(instant(column, row)?.unwrap_or_else(never)),
        (None, _) => Ok(never()),
        (Some(_), Some(_)) => {
            Err(Error::user(format!("the loaded_at_query of {} gives more than one row", source.name))
                .hint("it must give one row with one column: the time of the newest row"))
        }
    }
}

/// Commits that are looked at for the last one that changed rows: housekeeping makes a few in a row.
const COMMITS_MAX: usize = 50;

async fn last_commit(session: &Session, source: &SourceNode) -> Result<DateTime<Utc>> {
    let name = source.table_name();
    match session.warehouse.relation(&name).await? {
        None => Err(Error::user(format!("there is no table '{name}'")).hint("load it before its freshness is checked")),
        Some(relation) if relation.kind == RelationKind::View => {
            Err(Error::user(format!("'{name}' is a view, which does not tell when its rows came"))
                .hint("add loaded_at_field to the source"))
        }
        Some(_) => {
            let commits = session.warehouse.history(&name, COMMITS_MAX).await?;
            // A table that was only kept in order is not fresher for it.
            let last = commits.iter().find(|commit| commit.changes_rows()).or(commits.first());
            Ok(last.map_or_else(never, |commit| commit.at))
        }
    }
}

fn never() -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(1, 1, 1)
        .and_then(|date| date.and_hms_opt(0, 0, 0))
        .map_or(DateTime::<Utc>::MIN_UTC, |at| at.and_utc())
}

async fn render(session: &Session, source: &SourceNode, text: &str) -> Result<String> {
    if !text.contains("{{") && !text.contains("{%") {
        return Ok(text.to_owned());
    }
    let mut context = serde_json::Map::new();
    context.insert("this".into(), source.relation_name.clone().into());
    session.compile_text(text, context).await
}

/// An instant, whatever its column holds; none for null.
fn instant(column: &ArrayRef, row: usize) -> Result<Option<DateTime<Utc>>> {
    let wanted = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let cast = cast(column, &wanted).map_err(|error| {
        Error::user(format!("the time of the newest row is of type {}", column.data_type())).why(error)
    })?;
    if cast.is_null(row) {
        if column.is_null(row) {
            return Ok(None);
        }
        return Err(Error::user("the time of the newest row cannot be read as a time")
            .hint("cast it in loaded_at_field, for example cast(loaded_at as timestamp)"));
    }
    let micros = cast.as_primitive::<TimestampMicrosecondType>().value(row);
    DateTime::from_timestamp_micros(micros).map(Some).ok_or_else(|| Error::user(format!("{micros} is no instant")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_passed_when_the_age_is_greater() {
        let after = |count, period: &str| Some(FreshnessThreshold { count, period: period.into() });
        let criteria = Freshness { warn_after: after(90, "minute"), error_after: after(1, "day"), filter: None };
        assert_eq!(status(&criteria, TimeDelta::minutes(90)), FreshnessStatus::Pass);
        assert_eq!(status(&criteria, TimeDelta::minutes(91)), FreshnessStatus::Warn);
        assert_eq!(status(&criteria, TimeDelta::hours(24)), FreshnessStatus::Warn);
        assert_eq!(status(&criteria, TimeDelta::hours(25)), FreshnessStatus::Error);
        let none = Freshness { warn_after: None, ..criteria };
        assert_eq!(status(&none, TimeDelta::hours(23)), FreshnessStatus::Pass);
    }
}
