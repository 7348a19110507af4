//! Runs and what each of their nodes did.

use chrono::{DateTime, Utc};
use millstream_core::{Error, Result};
use rusqlite::{Row, params};

use crate::value::{count, instant, uncount, uninstant};
use crate::{Cause, Store};

/// What is said of a run whose process died.
pub const DIED: &str = "the process ended without saying so";

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// At work.
    Running,
    /// Ended; nothing failed.
    Success,
    /// Ended; something failed.
    Failed,
    /// Ended early, on the user's word.
    Cancelled,
    /// The process died. The next writer of the workspace marks it so.
    Interrupted,
}

impl RunStatus {
    const ALL: [Self; 5] = [Self::Running, Self::Success, Self::Failed, Self::Cancelled, Self::Interrupted];

    /// The status of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == word)
    }

    /// The word that the file and listings use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Which runs are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Their cause, as it is written (`schedule nightly`), or the kind of it (`schedule`).
    pub cause: Option<String>,
    /// How they stand.
    pub status: Option<RunStatus>,
}

/// One run of a command that writes.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RunRecord {
    /// Its id, a UUID.
    pub invocation_id: String,
    /// `build`, `ingest`, …
    pub command: String,
    /// The command's arguments.
    pub args: serde_json::Value,
    /// When it started, UTC.
    pub started_at: DateTime<Utc>,
    /// When it ended, UTC; none while it runs or when its process died.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it stands.
    pub status: RunStatus,
    /// Process that ran it.
    pub pid: u32,
    /// One line about the end.
    pub message: Option<String>,
    /// Why it was started.
    pub cause: Cause,
    /// Which attempt at the same work it is, from 1.
    pub attempt: u32,
}

/// What one node (or one source of an ingest) did in a run.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct NodeRecord {
    /// dbt's unique id, for example `model.finance.stg_users`.
    pub unique_id: String,
    /// dbt's status word: `success`, `pass`, `warn`, `fail`, `error`, `skipped`.
    pub status: String,
    /// When it started, UTC.
    pub started_at: DateTime<Utc>,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Rows written.
    pub rows: Option<u64>,
    /// Rows that a test found.
    pub failures: Option<u64>,
    /// Relation written, `schema.name`.
    pub relation: Option<String>,
    /// Version of the relation that the node published.
    pub version: Option<u64>,
    /// What happened.
    pub message: Option<String>,
}

impl Store {
    /// Records that a run starts.
    pub fn start_run(&self, run: &RunRecord) -> Result<()> {
        self.connection()
            .prepare_cached(
                "insert into runs (invocation_id, command, args, started_us, finished_us, status, pid, message,
                    cause, attempt)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    run.invocation_id,
                    run.command,
                    run.args.to_string(),
                    instant(run.started_at),
                    run.finished_at.map(instant),
                    run.status.name(),
                    run.pid,
                    run.message,
                    run.cause.to_string(),
                    run.attempt,
                ])
            })
            .map_err(|error| self.error(error))?;
        Ok(())
    }

    /// Records how a run ended. A run that is not known is an error of kind `ours`.
    pub fn finish_run(
        &self,
        invocation_id: &str,
        status: RunStatus,
        finished_at: DateTime<Utc>,
        message: Option<&str>,
    ) -> Result<()> {
        let changed = self
            .connection()
            .execute(
                "update runs set status = ?2, finished_us = ?3, message = ?4 where invocation_id = ?1",
                params![invocation_id, status.name(), instant(finished_at), message],
            )
            .map_err(|error| self.error(error))?;
        if changed == 1 {
            return Ok(());
        }
        Err(Error::ours(format!("run {invocation_id} was ended but never started")))
    }

    /// Records what nodes did, all in one transaction. A node that is recorded again is overwritten.
    pub fn record_nodes(&self, invocation_id: &str, nodes: &[NodeRecord]) -> Result<()> {
        let mut connection = self.connection();
        let write = |connection: &mut rusqlite::Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            {
                let mut statement = transaction.prepare_cached(
                    "insert or replace into node_results (invocation_id, unique_id, status, started_us, duration_us,
                        rows, failures, relation, version, message)
                     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                )?;
                for node in nodes {
                    statement.execute(params![
                        invocation_id,
                        node.unique_id,
                        node.status,
                        instant(node.started_at),
                        count(node.duration_us),
                        node.rows.map(count),
                        node.failures.map(count),
                        node.relation,
                        node.version.map(count),
                        node.message,
                    ])?;
                }
            }
            transaction.commit()
        };
        write(&mut connection).map_err(|error| self.error(error))
    }

    /// Marks runs of these commands that still say `running` as interrupted, and says how many there were. Only for a
    /// process that holds the lock that these commands take: while it does, none of them can be running.
    pub fn mark_interrupted(&self, commands: &[&str]) -> Result<usize> {
        let commands = serde_json::Value::from(commands).to_string();
        self.connection()
            .execute(
                "update runs set status = 'interrupted', message = ?2
                 where status = 'running' and command in (select value from json_each(?1))",
                params![commands, DIED],
            )
            .map_err(|error| self.error(error))
    }

    /// The latest runs, newest first.
    pub fn runs(&self, limit: usize) -> Result<Vec<RunRecord>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.select_runs("order by started_us desc, invocation_id limit ?1", params![limit])
    }

    /// The latest runs that a filter lets through, newest first.
    pub fn runs_where(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRecord>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let status = filter.status.map(RunStatus::name);
        // Read in the order of their start, so that it ends with the limit.
        self.select_runs(
            "where (?1 is null or cause = ?1 or (instr(?1, ' ') = 0 and cause > ?1 || ' ' and cause < ?1 || '!'))
                and (?2 is null or status = ?2)
             order by started_us desc, invocation_id limit ?3",
            params![filter.cause, status, limit],
        )
    }

    /// The run of an id.
    pub fn run(&self, invocation_id: &str) -> Result<Option<RunRecord>> {
        Ok(self.select_runs("where invocation_id = ?1", params![invocation_id])?.pop())
    }

    /// Runs whose id begins so, newest first, at most two: enough to tell one from several.
    pub fn runs_like(&self, beginning: &str) -> Result<Vec<RunRecord>> {
        self.select_runs(
            "where substr(invocation_id, 1, length(?1)) = ?1 order by started_us desc, invocation_id limit 2",
            params![beginning],
        )
    }

    /// Runs of one cause, newest first.
    pub fn runs_because(&self, cause: &Cause) -> Result<Vec<RunRecord>> {
        self.select_runs("where cause = ?1 order by started_us desc, invocation_id", params![cause.to_string()])
    }

    /// Forgets ended runs of these causes, with their nodes, but the latest `keep` of all of them together.
    pub fn prune_runs(&self, causes: &[Cause], keep: usize) -> Result<usize> {
        let causes: Vec<String> = causes.iter().map(ToString::to_string).collect();
        let causes = serde_json::Value::from(causes).to_string();
        let keep = i64::try_from(keep).unwrap_or(i64::MAX);
        self.connection()
            .execute(
                "delete from runs where status <> 'running' and invocation_id in (
                    select invocation_id from runs where cause in (select value from json_each(?1))
                    order by started_us desc, invocation_id limit -1 offset ?2)",
                params![causes, keep],
            )
            .map_err(|error| self.error(error))
    }

    /// Forgets ended runs of a kind of cause (`cli`, `schedule`, …), with their nodes, but the latest `keep`; `most` of
    /// them at a time, so that nobody waits for long. Backfills that succeeded stay: they tell which intervals are done.
    pub fn prune_kind(&self, kind: &str, keep: usize, most: usize) -> Result<usize> {
        let [keep, most] = [keep, most].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        self.connection()
            .execute(
                "delete from runs where invocation_id in (
                    select invocation_id from (
                        select invocation_id, status from runs
                        where cause = ?1 or (cause > ?1 || ' ' and cause < ?1 || '!')
                        order by started_us desc, invocation_id limit -1 offset ?2)
                    where status <> 'running' and not (?1 = 'backfill' and status = 'success')
                    limit ?3)",
                params![kind, keep, most],
            )
            .map_err(|error| self.error(error))
    }

    fn select_runs(&self, rest: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<RunRecord>> {
        let connection = self.connection();
        let sql = format!(
            "select invocation_id, command, args, started_us, finished_us, status, pid, message, cause, attempt
             from runs {rest}"
        );
        let mut statement = connection.prepare_cached(&sql).map_err(|error| self.error(error))?;
        let rows = statement.query_map(values, read_run).map_err(|error| self.error(error))?;
        rows.collect::<rusqlite::Result<_>>().map_err(|error| self.error(error))
    }

    /// What the nodes of a run did, in the order in which they started.
    pub fn nodes(&self, invocation_id: &str) -> Result<Vec<NodeRecord>> {
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached(
                "select unique_id, status, started_us, duration_us, rows, failures, relation, version, message
                 from node_results where invocation_id = ?1 order by started_us, unique_id",
            )
            .map_err(|error| self.error(error))?;
        let rows = statement.query_map([invocation_id], read_node).map_err(|error| self.error(error))?;
        rows.collect::<rusqlite::Result<_>>().map_err(|error| self.error(error))
    }
}

fn read_run(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    let status: String = row.get(5)?;
    let args: String = row.get(2)?;
    Ok(RunRecord {
        invocation_id: row.get(0)?,
        command: row.get(1)?,
        args: serde_json::from_str(&args).unwrap_or(serde_json::Value::String(args)),
        started_at: uninstant(row.get(3)?),
        finished_at: row.get::<_, Option<i64>>(4)?.map(uninstant),
        // The table's own check keeps other words out.
        status: RunStatus::parse(&status).unwrap_or(RunStatus::Interrupted),
        pid: row.get(6)?,
        message: row.get(7)?,
        cause: Cause::parse(&row.get::<_, String>(8)?),
        attempt: row.get(9)?,
    })
}

fn read_node(row: &Row<'_>) -> rusqlite::Result<NodeRecord> {
    Ok(NodeRecord {
        unique_id: row.get(0)?,
        status: row.get(1)?,
        started_at: uninstant(row.get(2)?),
        duration_us: uncount(row.get(3)?),
        rows: row.get::<_, Option<i64>>(4)?.map(uncount),
        failures: row.get::<_, Option<i64>>(5)?.map(uncount),
        relation: row.get(6)?,
        version: row.get::<_, Option<i64>>(7)?.map(uncount),
        message: row.get(8)?,
    })
}
