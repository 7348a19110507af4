//! The embedded warehouse: [`Warehouse`] over one local folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{LogicalPlanBuilder, lit};
use futures::StreamExt;
use millstream_core::housekeeping::{Maintained, Upkeep};
use millstream_core::warehouse::{
    Checked, CommitInfo, Executed, Expectations, Failing, Load, OnSchemaChange, QueryOptions, QueryResult, RefreshMode,
    RefreshReport, Relation, RelationKind, Stage, Staged, TableState, Warehouse,
};
use millstream_core::{Error, Result, TableName};

use crate::catalog::Catalog;
use crate::engine::{Engine, FileTable, Planned};
use crate::error::from_engine;
use crate::housekeeping::{self, Rearranged};
use crate::index::KeyIndexes;
use crate::lean::or_lean;
use crate::load::TableLoad;
use crate::log::schema::storable_schema;
use crate::log::{DataFile, Snapshot, checkpoint, content_of, history};
use crate::options::EmbeddedOptions;
use crate::refresh::{RecentChanges, SeenQueries};
use crate::stage::{self, OpenStages};
use crate::statement;
use crate::sweep::{self, Swept};
use crate::view::StoredView;

/// Folder in the warehouse where queries spill, unless options name another.
const SPILL_FOLDER: &str = ".spill";

/// What loads and stages share with the warehouse.
#[derive(Clone)]
pub(crate) struct Inner {
    pub catalog: Arc<Catalog>,
    pub engine: Engine,
    pub indexes: Arc<KeyIndexes>,
    /// Files that were put together.
    pub rearranged: Arc<Rearranged>,
    /// Rows that refreshes have put in the place of others.
    pub recent: Arc<RecentChanges>,
    /// Tests that were asked before.
    pub seen: Arc<SeenQueries>,
    pub options: EmbeddedOptions,
    /// Stages that rewrite files.
    pub open_stages: Arc<OpenStages>,
    /// The engine for what must do with little memory, once it was needed; who holds it has the turn.
    pub lean: Arc<tokio::sync::Mutex<Option<Engine>>>,
}

/// The embedded warehouse over one local folder: Delta tables in `<schema>/<table>/`, views in
/// `<schema>/<name>.view.json`.
///
/// Cheap to clone; clones share caches and the memory limit. Any number of processes may read; commits of several
/// writers are kept apart by Delta's own protocol.
#[derive(Clone)]
pub struct EmbeddedWarehouse {
    pub(crate) inner: Arc<Inner>,
}

impl EmbeddedWarehouse {
    /// Opens the warehouse in a folder, which is made when it does not exist.
    ///
    /// # Errors
    /// An environment error when the folder cannot be made or read.
    pub fn open(path: impl AsRef<Path>, options: EmbeddedOptions) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::environment("the warehouse cannot be opened")
                .why(format!("{}: {error}", path.as_ref().display()))
                .hint("check that the folder may be written, or choose another path in profiles.yml")
        };
        fs::create_dir_all(path.as_ref()).map_err(failed)?;
        // Absolute and without links, because the engine knows files by URL.
        let root = path.as_ref().canonicalize().map_err(failed)?;
        let spill = options.spill_folder.clone().unwrap_or_else(|| root.join(SPILL_FOLDER));
        fs::create_dir_all(&spill).map_err(failed)?;
        let engine = Engine::new(&options, &spill)?;
        Ok(Self {
            inner: Arc::new(Inner {
                catalog: Arc::new(Catalog::new(root)),
                engine,
                indexes: Arc::new(KeyIndexes::new(options.memory_limit_bytes)),
                rearranged: Arc::default(),
                recent: Arc::default(),
                seen: Arc::default(),
                options,
                open_stages: Arc::default(),
                lean: Arc::default(),
            }),
        })
    }

    /// The warehouse's folder, absolute.
    pub fn path(&self) -> &Path {
        self.inner.catalog.root()
    }

    /// Removes files that are in no version of any table and older than `older_than`: what a process that was killed
    /// left behind. Call it with a long time (hours) while others may write, or with zero when nobody else can.
    ///
    /// # Errors
    /// An environment error when a folder cannot be read. Files that cannot be removed are left and not counted.
    pub fn sweep(&self, older_than: std::time::Duration) -> Result<Swept> {
        sweep::sweep(&self.inner.catalog, older_than)
    }

    async fn describe(&self, name: TableName, kind: RelationKind) -> Result<Option<Relation>> {
        Ok(match kind {
            RelationKind::Table => self.inner.catalog.table(&name)?.map(|snapshot| Relation {
                kind,
                schema: snapshot.schema.clone(),
                version: Some(snapshot.version),
                rows: snapshot.rows(),
                name,
            }),
            RelationKind::View => self.inner.catalog.view(&name)?.map(|view| Relation {
                kind,
                schema: self.view_schema(&view),
                version: None,
                rows: None,
                name,
            }),
        })
    }

    /// Columns of a view; none when what it reads is gone, so that listings still work.
    fn view_schema(&self, view: &StoredView) -> SchemaRef {
        let text = &view.text;
        let options = QueryOptions {
            default_schema: text.default_schema.clone(),
            dialect: text.dialect,
            ..QueryOptions::default()
        };
        match self.inner.engine.plan(&self.inner.catalog, &text.sql, &options) {
            Ok(planned) => Engine::schema_of(&planned.plan),
            Err(_) => Arc::new(Schema::empty()),
        }
    }
}

impl Inner {
    /// Rows in files of a version, counted where statistics do not tell.
    pub(crate) async fn count(&self, snapshot: &Snapshot, files: &[Arc<DataFile>]) -> Result<u64> {
        if let Some(rows) = files.iter().map(|file| file.rows()).sum::<Option<u64>>() {
            return Ok(rows);
        }
        let table = FileTable::new(&snapshot.folder, Arc::new(files.to_vec()), snapshot.engine_schema.clone());
        let bytes = table.bytes();
        let plan = LogicalPlanBuilder::scan("counted", provider_as_source(Arc::new(table)), None)
            .and_then(|plan| plan.aggregate(Vec::<datafusion::prelude::Expr>::new(), vec![count(lit(1)).alias("rows")]))
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        let counted = self.rows_of(&Planned { plan, bytes }).await?;
        Ok(counted.first().map_or(0, |row| row[0]))
    }

    /// Runs a plan whose columns are all whole numbers and not null.
    pub(crate) async fn rows_of(&self, planned: &Planned) -> Result<Vec<Vec<u64>>> {
        use arrow::array::AsArray;
        use arrow::datatypes::{DataType, Int64Type};
        let mut result = self.engine.run(planned).await?;
        let mut rows = Vec::new();
        while let Some(batch) = result.stream.next().await {
            let batch = batch?;
            let columns = batch
                .columns()
                .iter()
                .map(|column| arrow::compute::cast(column, &DataType::Int64))
                .collect::<std::result::Result<Vec<_>, _>>()
                .map_err(|error| Error::ours("a count is not a number").why(error))?;
            for row in 0..batch.num_rows() {
                rows.push(
                    columns.iter().map(|column| column.as_primitive::<Int64Type>().value(row).max(0) as u64).collect(),
                );
            }
        }
        Ok(rows)
    }

    /// Writes a checkpoint when one is due. A failure is not the commit's: the commits themselves hold all.
    pub(crate) async fn checkpoint_if_due(&self, folder: &Path, version: u64) {
        if checkpoint::is_due(folder, version) {
            let _ = checkpoint::write(folder).await;
        }
    }

    /// Takes a table's folder away in one step for readers: renamed first, removed then.
    pub(crate) fn drop_folder(&self, folder: &Path) -> Result<()> {
        let trash: PathBuf = folder.with_file_name(format!("{}{}", sweep::DROPPED, self.options.ids.next()));
        match fs::rename(folder, &trash) {
            Ok(()) => {
                // What cannot be removed now is removed by the next sweep.
                let _ = fs::remove_dir_all(&trash);
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => {
                Err(Error::environment("a table cannot be dropped").why(format!("{}: {error}", folder.display())))
            }
        }
    }
}

fn state_of(snapshot: &Snapshot) -> TableState {
    TableState {
        version: snapshot.version,
        schema: snapshot.schema.clone(),
        positions: snapshot.positions.as_ref().clone(),
    }
}

#[async_trait]
impl Warehouse for EmbeddedWarehouse {
    async fn remove_leftovers(&self) -> Result<u64> {
        Ok(self.sweep(std::time::Duration::ZERO)?.files)
    }

    async fn maintain(&self, name: &TableName, upkeep: &Upkeep) -> Result<Option<Maintained>> {
        housekeeping::maintain(&self.inner, name, upkeep).await
    }

    async fn relations(&self, schema: Option<&str>) -> Result<Vec<Relation>> {
        let mut all = Vec::new();
        for (name, kind) in self.inner.catalog.list(schema)? {
            all.extend(self.describe(name, kind).await?);
        }
        Ok(all)
    }

    async fn relation(&self, name: &TableName) -> Result<Option<Relation>> {
        match self.inner.catalog.kind(name)? {
            Some(kind) => self.describe(name.clone(), kind).await,
            None => Ok(None),
        }
    }

    async fn drop_relation(&self, name: &TableName) -> Result<()> {
        // The table first: while the view's file is there, the name means the view.
        self.inner.drop_folder(&self.inner.catalog.folder(name)?)?;
        StoredView::remove(&self.inner.catalog.view_file(name)?)
    }

    async fn query(&self, sql: &str, options: &QueryOptions) -> Result<QueryResult> {
        let begun = |inner: Arc<Inner>| async move {
            let planned = inner.engine.plan(&inner.catalog, sql, options)?;
            inner.engine.begin(&planned).await
        };
        or_lean(&self.inner, begun).await
    }

    async fn content(&self, name: &TableName, version: Option<u64>) -> Result<Option<u64>> {
        // A view wins over a table of the same name.
        Ok(match self.inner.catalog.view(name)? {
            Some(view) => Some(view.text.content()),
            None => match version {
                Some(version) => self.inner.catalog.past(name, version)?,
                None => self.inner.catalog.table(name)?,
            }
            .map(|table| content_of(&table.files)),
        })
    }

    async fn count_failing(&self, sql: &str, options: &QueryOptions) -> Result<Failing> {
        let counted = |inner: Arc<Inner>| async move { crate::refresh::count_failing(&inner, sql, options).await };
        or_lean(&self.inner, counted).await
    }

    async fn check(
        &self,
        sql: &str,
        built_as: Option<RelationKind>,
        expectations: &dyn Expectations,
        options: &QueryOptions,
    ) -> Result<Checked> {
        self.inner.engine.check(&self.inner.catalog, sql, built_as, expectations, options)
    }

    async fn execute(&self, sql: &str, options: &QueryOptions) -> Result<Vec<Executed>> {
        statement::execute(&self.inner, sql, options).await
    }

    async fn table_state(&self, name: &TableName) -> Result<Option<TableState>> {
        Ok(self.inner.catalog.table(name)?.as_deref().map(state_of))
    }

    async fn table_state_at(&self, name: &TableName, version: u64) -> Result<Option<TableState>> {
        Ok(self.inner.catalog.past(name, version)?.as_deref().map(state_of))
    }

    async fn history(&self, name: &TableName, limit: usize) -> Result<Vec<CommitInfo>> {
        history::history(&self.inner.catalog.folder(name)?, limit)
    }

    async fn begin_load(&self, name: &TableName, schema: SchemaRef) -> Result<Arc<dyn Load>> {
        let stored = storable_schema(&schema)?;
        Ok(Arc::new(TableLoad::begin(self.inner.clone(), name, stored)?))
    }

    async fn stage(
        &self,
        name: &TableName,
        stage: Stage,
        on_schema_change: OnSchemaChange,
        options: &QueryOptions,
    ) -> Result<Arc<dyn Staged>> {
        let staged = |inner| stage::stage(inner, name, stage.clone(), on_schema_change, options);
        or_lean(&self.inner, staged).await
    }

    async fn explain_refresh(
        &self,
        name: &TableName,
        sql: &str,
        keys: &[Vec<String>],
        mode: RefreshMode,
        options: &QueryOptions,
    ) -> Result<RefreshReport> {
        stage::explain_refresh(self.inner.clone(), name, sql, keys, mode, options).await
    }
}
