//! The seam to a warehouse: versioned tables, atomic commits that carry positions, and write–audit–publish.
//!
//! The contract every implementation keeps:
//! - A commit is visible whole or not at all, and readers never block.
//! - A commit carries positions (application transactions): [`Warehouse::table_state`] reads them back, so that
//!   "what is loaded" and "how far we are" can never disagree.
//! - A staged version is invisible to everyone but the queries that are given it, until it is published.
//! - Dropping a load or a staged version without publishing leaves the table as it was.
//!
//! Deliberately absent: Jinja, dbt configuration, scheduling. Those are the runner's.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_core::Stream;

use crate::housekeeping::{COMPACTION, Maintained, Upkeep};
use crate::{Error, Result, TableName};

/// Name of the embedded warehouse's only database: `millstream.schema.table` is what `schema.table` means.
pub const EMBEDDED_DATABASE: &str = "millstream";

/// Rows of a query as they are computed.
pub type BatchStream = Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>;

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelationKind {
    /// Rows on disk, versioned.
    Table,
    /// A stored query.
    View,
}

/// A relation as the catalogue knows it.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Its name.
    pub name: TableName,
    /// Table or view.
    pub kind: RelationKind,
    /// Columns and types.
    pub schema: SchemaRef,
    /// Latest version; none for views.
    pub version: Option<u64>,
    /// Rows in the latest version where the table's statistics tell; none for views.
    pub rows: Option<u64>,
}

/// How far a table is, as its own commits say.
#[derive(Debug, Clone)]
pub struct TableState {
    /// Latest version.
    pub version: u64,
    /// Columns and types.
    pub schema: SchemaRef,
    /// Application id → position. Files: `file:<unit>#<sha256>` → rows in; Kafka: `kafka:<topic>/<partition>` → next offset.
    pub positions: BTreeMap<String, i64>,
}

/// One past commit of a table.
#[derive(Debug, Clone)]
pub struct CommitInfo {
    /// Version that the commit made.
    pub version: u64,
    /// When, UTC.
    pub at: DateTime<Utc>,
    /// What wrote it, for example `INGEST` or `BUILD`.
    pub operation: String,
    /// The note that the writer left in [`Commit::note`].
    pub note: serde_json::Map<String, serde_json::Value>,
}

impl CommitInfo {
    /// Whether rows may have come or gone with it; compaction only exchanges files.
    pub fn changes_rows(&self) -> bool {
        self.operation != COMPACTION
    }
}

/// A data file that is written but not yet part of any version. Opaque outside of the warehouse that made it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Part {
    /// Path relative to the table's folder.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Statistics in the warehouse's own form.
    pub stats: String,
}

/// Writes one data file; used from one thread. Dropping it unfinished removes what it wrote.
pub trait PartWriter: Send {
    /// Adds rows; the batch must have the schema given to [`Warehouse::begin_load`].
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;
    /// Rows written so far.
    fn rows(&self) -> u64;
    /// Bytes written to disk so far, encoded. A writer of a long stream starts a new part when this passes its target.
    fn bytes(&self) -> u64;
    /// Ends the file and makes it durable (fsync). `None` when no row was written.
    fn finish(self: Box<Self>) -> Result<Option<Part>>;
}

/// What a load commits.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// What writes, for the table's history: `INGEST`, `BUILD`, …
    pub operation: String,
    /// Positions to set, see [`TableState::positions`].
    pub positions: Vec<(String, i64)>,
    /// Positions as they were when the load began; a commit that finds others fails with a retryable user error,
    /// because another process loaded the same unit in between. `None` (inside: the id must be absent).
    pub expected: Vec<(String, Option<i64>)>,
    /// Rows to take out in the same commit: all whose column (text) equals the value.
    pub replace: Option<(String, String)>,
    /// Kept in the table's history.
    pub note: serde_json::Map<String, serde_json::Value>,
}

/// What a commit made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The version that first shows it.
    pub version: u64,
    /// Rows added.
    pub rows_added: u64,
    /// Rows taken out.
    pub rows_removed: u64,
}

/// One load of rows into one table: any number of parts, then one commit.
#[async_trait]
pub trait Load: Send + Sync {
    /// Starts one more data file. Parts may be written from several threads at once.
    fn part(&self) -> Result<Box<dyn PartWriter>>;
    /// Makes the parts (and [`Commit::replace`]) visible in one version. An empty list of parts still commits positions.
    async fn commit(&self, parts: Vec<Part>, commit: Commit) -> Result<Committed>;
    /// Removes parts that will not be committed.
    async fn discard(&self, parts: Vec<Part>) -> Result<()>;
}

/// How the next version of a model comes about.
#[derive(Debug, Clone)]
pub enum Stage {
    /// The whole relation becomes a table with the rows of this query.
    Replace {
        /// The query.
        sql: String,
    },
    /// The whole relation becomes a table with these rows (seeds).
    Rows {
        /// Columns and types.
        schema: SchemaRef,
        /// The rows.
        batches: Vec<RecordBatch>,
    },
    /// The rows of this query are added.
    Append {
        /// The query.
        sql: String,
    },
    /// Rows whose key is already there are replaced, others are added (dbt `merge`).
    Merge {
        /// The query. Its key must be unique, or the stage fails with a user error that shows a key.
        sql: String,
        /// Columns of the key.
        unique_key: Vec<String>,
        /// When not empty: of a matched row only these columns change (dbt `merge_update_columns`).
        update_columns: Vec<String>,
        /// Conditions that a row of the table must also keep to be matched (dbt `incremental_predicates`). They may
        /// call the table `dbt_internal_dest` and the query's rows `dbt_internal_source`.
        predicates: Vec<String>,
    },
    /// Every row whose key is among the query's keys is taken out, then the query's rows are added (dbt `delete+insert`).
    DeleteInsert {
        /// The query. Its key need not be unique.
        sql: String,
        /// Columns of the key.
        unique_key: Vec<String>,
        /// As of [`Stage::Merge`].
        predicates: Vec<String>,
    },
    /// Every row of the table for which the condition is true is taken out, then the query's rows are added (dbt
    /// `microbatch`).
    DeleteWhere {
        /// The query.
        sql: String,
        /// A SQL condition on the table's columns.
        condition: String,
    },
    /// The table becomes what this query gives, by the cheapest way that ends in the same rows as making it whole
    /// (Snowflake's dynamic tables). What it was made from is kept in its commits, so that the next refresh goes on
    /// exactly there. Makes the table when it is not there.
    Refresh {
        /// The query.
        sql: String,
        /// Columns that tell its rows apart, as far as is known; each list is one such key. They are hints for the
        /// way, and nothing becomes wrong when they are.
        keys: Vec<Vec<String>>,
        /// Which ways may be taken.
        mode: RefreshMode,
    },
    /// The relation becomes a view.
    View {
        /// The stored query.
        sql: String,
    },
}

/// Which ways a refresh may take (dbt-snowflake's `refresh_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefreshMode {
    /// The cheaper one, where there is a choice.
    #[default]
    Auto,
    /// Only from changes: a user error where the query cannot be refreshed so.
    Incremental,
    /// Always whole.
    Full,
}

/// The way that a refresh takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefreshPath {
    /// Nothing that the query reads has changed.
    Unchanged,
    /// The query of the new rows alone is added.
    Append,
    /// The rows of touched keys are computed anew and take the place of the old ones.
    Keys,
    /// Everything is computed anew.
    Full,
}

impl RefreshPath {
    /// Its name, as it is told and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Append => "append",
            Self::Keys => "keys",
            Self::Full => "full",
        }
    }
}

/// What a refresh does, and why in this way.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RefreshReport {
    /// The way.
    pub path: RefreshPath,
    /// Why this one.
    pub reason: String,
    /// Columns of the table by which rows are replaced; none where no rows are.
    pub keys: Vec<String>,
    /// Values of the key that were touched; none where there is no key, or where it was not carried out.
    pub touched: Option<u64>,
    /// Tables that the query reads, each once, by name.
    pub sources: Vec<RefreshSource>,
    /// Whether memory was short, so that it was done a second time in a slower way that needs less.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub short_of_memory: bool,
    /// Whether the query is another one at another time: a series of dates ends today.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_momentary: bool,
}

/// One table that a refreshed query reads.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RefreshSource {
    /// Its name.
    pub name: TableName,
    /// The version that the table was last refreshed from, if that is known and still comparable.
    pub from: Option<u64>,
    /// The version that this refresh reads.
    pub to: u64,
    /// Rows that came and rows that went between the two, where they were looked at. A changed row counts twice.
    pub changed_rows: Option<u64>,
}

/// What to do when an incremental query's columns differ from the table's (dbt `on_schema_change`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum OnSchemaChange {
    /// Columns that the table does not have are left out; missing ones become null.
    #[default]
    Ignore,
    /// The stage fails.
    Fail,
    /// New columns are added to the table; columns that the query no longer has stay and become null.
    AppendNewColumns,
    /// The table gets exactly the query's columns.
    SyncAllColumns,
}

/// A version that is written and not yet visible. `Any`, so that a warehouse knows its own among those it is given.
#[async_trait]
pub trait Staged: std::any::Any + Send + Sync {
    /// The relation it will be a version of.
    fn name(&self) -> &TableName;
    /// Table or view.
    fn kind(&self) -> RelationKind;
    /// Columns and types.
    fn schema(&self) -> SchemaRef;
    /// Rows that publishing will add (inserted and rewritten ones apart: new rows only); none for views.
    fn rows_affected(&self) -> Option<u64>;
    /// How it was refreshed, if it comes from [`Stage::Refresh`].
    fn refreshed(&self) -> Option<&RefreshReport> {
        None
    }
    /// As [`Warehouse::content`], of the version that it will be.
    fn content(&self) -> Option<u64> {
        None
    }
    /// Makes it the latest version. Fails with a retryable error, and changes nothing, when someone published in between.
    async fn publish(&self, note: serde_json::Map<String, serde_json::Value>) -> Result<Committed>;
    /// Removes what was written. Called on drop as well, as far as possible.
    async fn discard(&self) -> Result<()>;
}

/// Which version of tables a query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AsOf {
    /// The latest.
    #[default]
    Latest,
    /// This version of every table in the query.
    Version(u64),
    /// The version that was latest at this instant.
    Time(DateTime<Utc>),
}

/// The language that SQL text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The warehouse's own SQL, close to PostgreSQL.
    #[default]
    Native,
    /// Snowflake's SQL, rewritten for the warehouse.
    Snowflake,
}

impl Dialect {
    /// Whether it is the warehouse's own, which needs no mention where SQL is stored.
    pub fn is_native(&self) -> bool {
        matches!(self, Dialect::Native)
    }
    /// The dialect of a dbt adapter type: `snowflake`, or the warehouse's own for all others.
    pub fn of_adapter(kind: &str) -> Self {
        if kind == "snowflake" { Dialect::Snowflake } else { Dialect::Native }
    }
}

/// What a query reads besides the published versions, and how its text is to be read.
#[derive(Clone, Default)]
pub struct QueryOptions {
    /// Which versions.
    pub as_of: AsOf,
    /// Tables that are read in this version while `as_of` is the latest: what a run saw when it started.
    pub pins: BTreeMap<TableName, u64>,
    /// Staged versions that stand in for their relations.
    pub staged: Vec<Arc<dyn Staged>>,
    /// Schema for unqualified names.
    pub default_schema: Option<String>,
    /// The language of the SQL text. Views keep it with their text.
    pub dialect: Dialect,
}

/// What a relation will be when a query runs that is only checked now.
#[derive(Debug, Clone)]
pub enum Expected {
    /// A relation with these columns.
    Columns(RelationKind, SchemaRef),
    /// A relation that will be there, with columns that nobody knows yet.
    Unknown,
}

/// The relations that will be there when a checked query runs, whether or not they exist now.
pub trait Expectations: Send + Sync {
    /// What is known of this relation; `None` leaves it to what exists.
    fn expected(&self, name: &TableName) -> Option<Expected>;
    /// Names of relations that will be there, for look-ups without a schema and for hints.
    fn names(&self) -> Vec<TableName>;
}

/// One thing wrong with a query.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Stable short name: `unknown-column`, `unknown-table`, `ambiguous-column`, `unknown-function`, `bad-sql`, …
    pub code: &'static str,
    /// What, where (in the query's text, where that is known), why, how to fix it.
    pub error: Error,
}

/// What was found out about a query without running it.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Columns and types that it gives; `None` when it has problems or reads what is not known.
    pub schema: Option<SchemaRef>,
    /// What is wrong with it. A problem is certain: the query would fail.
    pub problems: Vec<Problem>,
    /// Relations that it reads, each once, in the order of the text. Those that are not there are not among them.
    pub reads: Vec<TableName>,
    /// Relations that it reads whose columns are not known. If there are any, not all problems can be told.
    pub unknown: Vec<TableName>,
    /// Relations that it reads and that are not there, with the problem that tells of it.
    pub missing: Vec<(String, Problem)>,
    /// Why nothing can be said of it although all that it reads is known: what it gives depends on rows.
    pub unsure: Option<String>,
}

/// Rows and their schema.
pub struct QueryResult {
    /// Columns and types.
    pub schema: SchemaRef,
    /// The rows.
    pub stream: BatchStream,
}

/// What was found of a query that should give no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// Rows that it gives.
    pub rows: u64,
    /// Whether the same tables are known to give the same rows again: nothing in it depends on time or chance.
    pub is_steady: bool,
}

/// What one statement did.
pub struct Executed {
    /// What it was, in upper case, as databases answer: `CREATE TABLE`, `INSERT`, `SELECT`.
    pub verb: &'static str,
    /// Rows inserted, updated or deleted; none for statements that touch no rows and for queries.
    pub rows_affected: Option<u64>,
    /// The relation that it changed.
    pub relation: Option<TableName>,
    /// Whether that relation was declared temporary: whoever holds the session drops it at the session's end.
    pub is_temporary: bool,
    /// What was accepted without effect, told to a person.
    pub note: Option<String>,
    /// The rows, when it is a query and the last statement of its text.
    pub result: Option<QueryResult>,
}

impl Executed {
    /// A statement that did `verb`, and nothing else to tell.
    pub fn new(verb: &'static str) -> Self {
        Self { verb, rows_affected: None, relation: None, is_temporary: false, note: None, result: None }
    }
}

/// A warehouse. See the module's contract.
#[async_trait]
pub trait Warehouse: Send + Sync {
    /// All relations, or those of one schema, sorted by name.
    async fn relations(&self, schema: Option<&str>) -> Result<Vec<Relation>>;
    /// One relation.
    async fn relation(&self, name: &TableName) -> Result<Option<Relation>>;
    /// Takes a relation away; nothing happens when it is not there.
    async fn drop_relation(&self, name: &TableName) -> Result<()>;
    /// Runs a query (`select`, `with`, `values`, `explain`, `show`, `describe`); anything else is a usage error.
    async fn query(&self, sql: &str, options: &QueryOptions) -> Result<QueryResult>;
    /// How many rows a query gives, which should give none. A warehouse that has seen it give none may look only at what
    /// has changed since.
    ///
    /// # Errors
    /// As of [`Warehouse::query`].
    async fn count_failing(&self, sql: &str, options: &QueryOptions) -> Result<Failing> {
        let mut stream = self.query(sql, options).await?.stream;
        let mut rows = 0;
        while let Some(batch) = std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await {
            rows += batch?.num_rows() as u64;
        }
        Ok(Failing { rows, is_steady: false })
    }
    /// What identifies the rows of a table's version, or of its latest one: while it is the same, so are they; of a view,
    /// its query. `None` when there is no such relation, or that cannot be told.
    ///
    /// # Errors
    /// The table cannot be read.
    async fn content(&self, name: &TableName, version: Option<u64>) -> Result<Option<u64>> {
        let _ = (name, version);
        Ok(None)
    }
    /// Plans a query without running it, against what exists and what is expected. `built_as` says what its result
    /// becomes: columns of a table must be storable, those of a view must have names.
    ///
    /// What is wrong with the query is in the result, not an error.
    ///
    /// # Errors
    /// The warehouse cannot check, or cannot be read.
    async fn check(
        &self,
        _sql: &str,
        _built_as: Option<RelationKind>,
        _expectations: &dyn Expectations,
        _options: &QueryOptions,
    ) -> Result<Checked> {
        Err(Error::usage("this warehouse cannot check queries without running them").hint("use --no-check"))
    }
    /// Carries out the statements of a text, one after the other: queries, and statements that change relations. Each
    /// is one atomic commit of its own; there are no transactions over several (`begin` and `commit` do nothing, and
    /// `rollback` after a change is an error). A failure leaves what the statements before it did. Gives what each
    /// statement did, in order; the rows of a query only when it comes last.
    ///
    /// # Errors
    /// A user error for a statement that is not known, cannot be carried out or breaks a rule (a merge that touches
    /// a row twice); then nothing of that statement is visible.
    async fn execute(&self, sql: &str, options: &QueryOptions) -> Result<Vec<Executed>> {
        let _ = options;
        Err(Error::user("this warehouse runs queries only").why(format!("asked to execute: {}", sql.trim())))
    }
    /// Positions and version of a table; `None` when it does not exist.
    async fn table_state(&self, name: &TableName) -> Result<Option<TableState>>;
    /// Positions of a table as a past version had them; `None` when the table, or that version of it, does not exist.
    async fn table_state_at(&self, name: &TableName, version: u64) -> Result<Option<TableState>> {
        Ok(self.table_state(name).await?.filter(|state| state.version == version))
    }
    /// Commits of a table, newest first, at most `limit`.
    async fn history(&self, name: &TableName, limit: usize) -> Result<Vec<CommitInfo>>;
    /// Starts a load. The table is made by the first commit when it does not exist, and gets columns that it lacks by the
    /// first that has them; a table with columns that the rows lack, or of other types, is a user error that names the
    /// difference.
    async fn begin_load(&self, name: &TableName, schema: SchemaRef) -> Result<Arc<dyn Load>>;
    /// Writes the next version of a model without showing it.
    /// Incremental stages need the table to exist and to be a table. When a staged version of the same relation is
    /// among `options.staged`, they go on from that one: the new version holds both changes, and the earlier one must
    /// not be used any more, unless this call fails.
    async fn stage(
        &self,
        name: &TableName,
        stage: Stage,
        on_schema_change: OnSchemaChange,
        options: &QueryOptions,
    ) -> Result<Arc<dyn Staged>>;
    /// What [`Stage::Refresh`] would do now. Reads what has changed and writes nothing.
    ///
    /// # Errors
    /// As of staging; and when the warehouse has no refreshes.
    async fn explain_refresh(
        &self,
        name: &TableName,
        _sql: &str,
        _keys: &[Vec<String>],
        _mode: RefreshMode,
        _options: &QueryOptions,
    ) -> Result<RefreshReport> {
        Err(Error::usage(format!("this warehouse cannot explain how '{name}' is refreshed")))
    }
    /// Removes what writers that died have left behind: files that are in no version of any table. Only to be called
    /// while nobody else writes, whose unfinished files would look the same. Returns how many files were removed.
    async fn remove_leftovers(&self) -> Result<u64> {
        Ok(0)
    }
    /// Keeps house in one table: puts small files together, and removes what no version within the retention needs
    /// (old commits, checkpoints, data files). Readers and writers go on meanwhile; rows and positions stay what they
    /// are. `None` when there is no such table, or nothing to keep in order in this warehouse.
    ///
    /// # Errors
    /// The table cannot be read, or a file of it cannot be written. What was done until then is whole.
    async fn maintain(&self, name: &TableName, upkeep: &Upkeep) -> Result<Option<Maintained>> {
        let _ = (name, upkeep);
        Ok(None)
    }
}
