//! A version that is written and not yet visible, and how it becomes visible.

use std::any::Any;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use millstream_core::warehouse::{Committed, Part, QueryOptions, RefreshReport, RelationKind, Staged};
use millstream_core::{Error, Result, TableName};
use parking_lot::Mutex;

use super::open::OpenStage;
use super::{Request, rebase};
use crate::engine::Stand;
use crate::log::schema::engine_schema;
use crate::log::{DataFile, LOG_FOLDER, Snapshot, commit, content_of};
use crate::refresh::OWN_VERSION;
use crate::tables::{Actions, data_files};
use crate::view::{StoredView, ViewText};
use crate::warehouse::Inner;
use crate::write::remove_parts;

/// What publishing a table does.
#[derive(Default)]
pub(crate) struct TableChange {
    /// What the table's history says of it; none: that it was built.
    pub operation: Option<&'static str>,
    /// The version it was prepared on; none when there was no table.
    pub base: Option<Arc<Snapshot>>,
    /// Files that come in.
    pub added: Vec<Part>,
    /// Files of the base that go out.
    pub removed: Vec<Arc<DataFile>>,
    /// Rows that are new (rewritten ones not counted).
    pub rows_new: u64,
    /// Rows that are gone then.
    pub rows_gone: u64,
    /// Whether all rows of the base go out, in whatever files they are.
    pub is_whole: bool,
    /// Whether there is a log that cannot be read: the table starts anew, without its past.
    pub damaged: bool,
    /// Where it comes from a refresh: what is kept for the next one.
    pub refreshed: Option<Box<Refreshed>>,
}

/// What a refresh leaves for the next one.
pub(crate) struct Refreshed {
    /// Positions of what it read; the version that the commit makes comes with the commit.
    pub positions: Vec<(String, i64)>,
    /// Whether neither a row nor a position differs, so that there is nothing to commit.
    pub is_unmoved: bool,
    pub report: RefreshReport,
}

enum Body {
    Table(TableChange),
    View { text: ViewText, before: Option<StoredView>, table: Option<u64> },
}

/// What has become of a staged version.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Published,
    Discarded,
    /// A later staged version went on from it and answers for its files.
    CarriedOn,
}

/// A version that is written and not yet visible. Dropped unpublished, its files are removed.
pub(crate) struct StagedVersion {
    inner: Arc<Inner>,
    name: TableName,
    schema: SchemaRef,
    folder: PathBuf,
    durable: bool,
    body: Body,
    stand: Stand,
    fate: Mutex<Fate>,
    /// Keeps compaction from the files that go out, until the version is published or discarded.
    open: Mutex<Option<OpenStage>>,
}

/// Attempts to publish when compaction commits to the same table in between.
const ATTEMPTS_MAX: usize = 100;

impl StagedVersion {
    /// A table's next version with these stored columns.
    pub(crate) fn table(request: &Request<'_>, schema: SchemaRef, change: TableChange) -> Result<Arc<dyn Staged>> {
        let folder = request.inner.catalog.folder(request.name)?;
        let now_ms = request.inner.options.clock.now().timestamp_millis();
        let gone: HashSet<&str> = change.removed.iter().map(|file| file.add.path.as_str()).collect();
        let kept =
            change.base.iter().flat_map(|base| base.files.iter()).filter(|file| !gone.contains(file.add.path.as_str()));
        let files = kept.cloned().chain(data_files(&change.added, now_ms)).collect();
        let (change, durable) = match request.earlier {
            Some(earlier) => (earlier.carry_on(change)?, earlier.durable),
            None => (change, request.durable),
        };
        let rewrites = !change.removed.is_empty() && !change.is_whole;
        let open = rewrites.then(|| request.inner.open_stages.enter(request.name));
        let stand =
            Stand::Table { folder: folder.clone(), files: Arc::new(files), engine_schema: engine_schema(&schema) };
        Ok(Arc::new(Self {
            inner: request.inner.clone(),
            name: request.name.clone(),
            schema,
            folder,
            durable,
            body: Body::Table(change),
            stand,
            fate: Mutex::new(Fate::Open),
            open: Mutex::new(open),
        }))
    }

    /// A view's next definition.
    pub(super) fn view(request: &Request<'_>, schema: SchemaRef, sql: String) -> Result<Arc<dyn Staged>> {
        let catalog = &request.inner.catalog;
        let text =
            ViewText { sql, default_schema: request.options.default_schema.clone(), dialect: request.options.dialect };
        let table = catalog.table(request.name)?.map(|snapshot| snapshot.version);
        let before = StoredView::read_if_whole(&catalog.view_file(request.name)?)?;
        Ok(Arc::new(Self {
            inner: request.inner.clone(),
            name: request.name.clone(),
            schema,
            folder: catalog.folder(request.name)?,
            durable: request.durable,
            stand: Stand::View(text.clone()),
            body: Body::View { text, before, table },
            fate: Mutex::new(Fate::Open),
            open: Mutex::default(),
        }))
    }

    /// This version as something that an incremental stage can go on from.
    pub(super) fn as_base(&self) -> Result<Arc<Snapshot>> {
        let (Body::Table(change), Stand::Table { files, engine_schema, .. }) = (&self.body, &self.stand) else {
            return Err(Error::ours(format!("the staged version of '{}' is a view", self.name)));
        };
        let (version, protocol, metadata, positions) = match &change.base {
            Some(base) => (base.version, base.protocol.clone(), base.metadata.clone(), base.positions.clone()),
            None => Default::default(),
        };
        Ok(Arc::new(Snapshot {
            folder: self.folder.clone(),
            version,
            protocol,
            metadata,
            schema: self.schema.clone(),
            engine_schema: engine_schema.clone(),
            files: files.clone(),
            positions,
        }))
    }

    /// The change of this version and the one that was made on top of it, as one. Files that only this version had
    /// and the other one took out are removed.
    fn carry_on(&self, next: TableChange) -> Result<TableChange> {
        let mut fate = self.fate.lock();
        let (Fate::Open, Body::Table(own)) = (*fate, &self.body) else {
            return Err(Error::ours(format!("the staged version of '{}' is not open any more", self.name)));
        };
        let is_own = |file: &Arc<DataFile>| own.added.iter().any(|part| part.path == file.add.path);
        let (dropped, removed): (Vec<_>, Vec<_>) = next.removed.into_iter().partition(is_own);
        let (gone, kept): (Vec<Part>, Vec<Part>) =
            own.added.iter().cloned().partition(|part| dropped.iter().any(|file| file.add.path == part.path));
        remove_parts(&self.folder, &gone);
        *fate = Fate::CarriedOn;
        // The version that goes on has a stage of its own.
        self.open.lock().take();
        Ok(TableChange {
            operation: next.operation.or(own.operation),
            base: own.base.clone(),
            added: kept.into_iter().chain(next.added).collect(),
            removed: own.removed.iter().cloned().chain(removed).collect(),
            rows_new: own.rows_new + next.rows_new,
            rows_gone: own.rows_gone + next.rows_gone,
            is_whole: own.is_whole,
            damaged: own.damaged,
            refreshed: None,
        })
    }

    fn overtaken(&self) -> Error {
        Error::user(format!("'{}' was published by someone else meanwhile", self.name))
            .hint("build the model again: it goes on from the version that is there now")
            .retryable()
    }

    fn publish_table(
        &self,
        change: &TableChange,
        note: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Committed> {
        if change.damaged {
            self.inner.drop_folder(&self.folder.join(LOG_FOLDER))?;
        }
        for _ in 0..ATTEMPTS_MAX {
            if let Some(version) = self.attempt(change, note)? {
                *self.fate.lock() = Fate::Published;
                self.open.lock().take();
                StoredView::remove(&self.inner.catalog.view_file(&self.name)?)?;
                return Ok(Committed { version, rows_added: change.rows_new, rows_removed: change.rows_gone });
            }
        }
        Err(self.overtaken())
    }

    /// One attempt to commit; `None` when another commit came first.
    fn attempt(&self, change: &TableChange, note: &serde_json::Map<String, serde_json::Value>) -> Result<Option<u64>> {
        let current = self.inner.catalog.table(&self.name)?;
        let Some(removed) = rebase::removed(&self.folder, change, current.as_deref())? else {
            return Err(self.overtaken());
        };
        if let (Some(current), true) = (&current, change.refreshed.as_ref().is_some_and(|done| done.is_unmoved)) {
            return Ok(Some(current.version));
        }
        let options = &self.inner.options;
        let read_version = current.as_ref().map(|snapshot| snapshot.version);
        let mut actions = Actions::new(change.operation.unwrap_or("BUILD"), read_version, options.clock.now(), note);
        actions.schema(&self.schema, current.as_deref(), || options.ids.next());
        actions.remove(&removed);
        actions.add(&change.added);
        let version = read_version.map_or(0, |version| version + 1);
        if let Some(refreshed) = &change.refreshed {
            actions.positions(&refreshed.positions);
            actions.positions(&[(OWN_VERSION.to_owned(), version as i64)]);
        }
        let won = commit::write(&self.folder, version, &actions.finish(), &options.ids.next(), self.durable)?;
        Ok(won.then_some(version))
    }

    fn discard_files(&self) {
        let mut fate = self.fate.lock();
        if *fate == Fate::Open {
            *fate = Fate::Discarded;
            self.open.lock().take();
            if let Body::Table(change) = &self.body {
                remove_parts(&self.folder, &change.added);
                // Goes only when it is empty: when there is no table in it.
                let _ = std::fs::remove_dir(&self.folder);
            }
        }
    }
}

/// The staged version of this relation among those that a stage is given.
pub(super) fn earlier<'a>(name: &TableName, options: &'a QueryOptions) -> Result<Option<&'a StagedVersion>> {
    let Some(version) = options.staged.iter().find(|staged| staged.name() == name) else { return Ok(None) };
    let any: &dyn Any = version.as_ref();
    any.downcast_ref::<StagedVersion>()
        .map(Some)
        .ok_or_else(|| Error::ours(format!("the staged version of '{name}' is not of this warehouse")))
}

/// What a staged version stands for in queries.
///
/// # Errors
/// Our error when the version is another warehouse's or was discarded.
pub(crate) fn staged_of(version: &(dyn Staged + 'static)) -> Result<Stand> {
    let any: &dyn Any = version;
    let Some(staged) = any.downcast_ref::<StagedVersion>() else {
        return Err(Error::ours(format!("the staged version of '{}' is not of this warehouse", version.name())));
    };
    if matches!(*staged.fate.lock(), Fate::Discarded | Fate::CarriedOn) {
        return Err(Error::ours(format!("the staged version of '{}' was discarded", version.name())));
    }
    Ok(staged.stand.clone())
}

#[async_trait]
impl Staged for StagedVersion {
    fn name(&self) -> &TableName {
        &self.name
    }

    fn kind(&self) -> RelationKind {
        match self.body {
            Body::Table(_) => RelationKind::Table,
            Body::View { .. } => RelationKind::View,
        }
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows_affected(&self) -> Option<u64> {
        match &self.body {
            Body::Table(change) => Some(change.rows_new),
            Body::View { .. } => None,
        }
    }

    fn refreshed(&self) -> Option<&RefreshReport> {
        match &self.body {
            Body::Table(change) => change.refreshed.as_ref().map(|refreshed| &refreshed.report),
            Body::View { .. } => None,
        }
    }

    fn content(&self) -> Option<u64> {
        match &self.stand {
            Stand::Table { files, .. } => Some(content_of(files)),
            Stand::View(_) => None,
        }
    }

    async fn publish(&self, note: serde_json::Map<String, serde_json::Value>) -> Result<Committed> {
        if *self.fate.lock() != Fate::Open {
            return Err(Error::ours(format!("the staged version of '{}' is not open any more", self.name)));
        }
        match &self.body {
            Body::Table(change) => {
                let committed = self.publish_table(change, &note)?;
                self.inner.checkpoint_if_due(&self.folder, committed.version).await;
                Ok(committed)
            }
            Body::View { text, before, table } => {
                let catalog = &self.inner.catalog;
                let now_table = catalog.table(&self.name)?.map(|snapshot| snapshot.version);
                let now = StoredView::read_if_whole(&catalog.view_file(&self.name)?)?;
                if now != *before || now_table != *table {
                    return Err(self.overtaken());
                }
                let stored = StoredView {
                    text: text.clone(),
                    made_at_ms: self.inner.options.clock.now().timestamp_millis(),
                    note,
                };
                stored.write(&catalog.view_file(&self.name)?, &self.inner.options.ids.next())?;
                *self.fate.lock() = Fate::Published;
                self.inner.drop_folder(&self.folder)?;
                Ok(Committed { version: 0, rows_added: 0, rows_removed: 0 })
            }
        }
    }

    async fn discard(&self) -> Result<()> {
        self.discard_files();
        Ok(())
    }
}

impl Drop for StagedVersion {
    fn drop(&mut self) {
        self.discard_files();
    }
}
