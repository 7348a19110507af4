//! One version of a table: its schema, files and positions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Statistics;
use millstream_core::{Error, Result};
use serde_json::{Map, Value};
use twox_hash::XxHash64;

use super::action::{Action, Add, Metadata, Protocol};
use super::file_set::FileSet;
use super::schema::{engine_schema, from_delta};
use super::stats;
use super::support::check_readable;

/// One data file of a version.
#[derive(Debug)]
pub(crate) struct DataFile {
    /// The action that brought it in.
    pub add: Add,
    parsed: OnceLock<Map<String, Value>>,
}

impl DataFile {
    pub(crate) fn new(add: Add) -> Self {
        Self { add, parsed: OnceLock::new() }
    }

    /// Its statistics; empty when it has none. Parsed once.
    pub(crate) fn stats(&self) -> &Map<String, Value> {
        self.parsed.get_or_init(|| {
            self.add.stats.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
        })
    }

    /// Rows in it, where statistics tell.
    pub(crate) fn rows(&self) -> Option<u64> {
        self.stats().get("numRecords").and_then(Value::as_u64)
    }

    /// What the planner may know of it.
    pub(crate) fn planner_statistics(&self, schema: &Schema) -> Statistics {
        stats::for_planner(self.stats(), self.add.size, schema)
    }
}

/// One version of a table. Immutable.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The table's folder.
    pub folder: PathBuf,
    pub version: u64,
    pub protocol: Protocol,
    pub metadata: Metadata,
    /// Columns as they are stored.
    pub schema: SchemaRef,
    /// Columns as the engine reads them.
    pub engine_schema: SchemaRef,
    /// Data files in the order in which they came.
    pub files: Arc<Vec<Arc<DataFile>>>,
    /// Application id → position.
    pub positions: Arc<BTreeMap<String, i64>>,
}

impl Snapshot {
    /// Files that are not in the log yet, as what they are read as.
    pub(crate) fn of_files(folder: &std::path::Path, files: Arc<Vec<Arc<DataFile>>>, columns: SchemaRef) -> Self {
        Self {
            folder: folder.to_owned(),
            version: 0,
            protocol: Protocol::default(),
            metadata: Metadata::default(),
            schema: columns.clone(),
            engine_schema: columns,
            files,
            positions: Arc::default(),
        }
    }

    /// Rows, where every file's statistics tell.
    pub(crate) fn rows(&self) -> Option<u64> {
        self.files.iter().map(|file| file.rows()).sum()
    }

    /// The table's name for messages: the last two parts of its folder.
    pub(crate) fn label(&self) -> String {
        label(&self.folder)
    }
}

/// What identifies the rows of some files: their names, which are never given twice.
pub(crate) fn content_of(files: &[Arc<DataFile>]) -> u64 {
    files.iter().fold(0, |content, file| XxHash64::oneshot(content, file.add.path.as_bytes()))
}

pub(crate) fn label(folder: &std::path::Path) -> String {
    let part = |path: Option<&std::path::Path>| {
        path.and_then(std::path::Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    format!("{}.{}", part(folder.parent()), part(Some(folder)))
}

/// A snapshot while actions are applied to it.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    protocol: Option<Protocol>,
    metadata: Option<Metadata>,
    schema: Option<(SchemaRef, SchemaRef)>,
    files: FileSet,
    positions: Arc<BTreeMap<String, i64>>,
}

impl Replay {
    /// Goes on from a snapshot.
    pub(crate) fn from_snapshot(snapshot: &Snapshot) -> Self {
        Self {
            protocol: Some(snapshot.protocol.clone()),
            metadata: Some(snapshot.metadata.clone()),
            schema: Some((snapshot.schema.clone(), snapshot.engine_schema.clone())),
            files: FileSet::from_files(&snapshot.files),
            positions: snapshot.positions.clone(),
        }
    }

    /// Applies the actions of one commit or checkpoint.
    pub(crate) fn apply(&mut self, actions: Vec<Action>, table: &str) -> Result<()> {
        for action in actions {
            if let Some(protocol) = action.protocol {
                self.protocol = Some(protocol);
            }
            if let Some(metadata) = action.meta_data {
                let same = self.metadata.as_ref().is_some_and(|old| old.schema_string == metadata.schema_string);
                if !same {
                    let schema = from_delta(&metadata.schema_string)
                        .map_err(|error| error.context(format!("the Delta table '{table}' cannot be read")))?;
                    self.schema = Some((schema.clone(), engine_schema(&schema)));
                }
                self.metadata = Some(metadata);
            }
            if let Some(txn) = action.txn {
                Arc::make_mut(&mut self.positions).insert(txn.app_id, txn.version);
            }
            if let Some(remove) = action.remove {
                self.files.remove(&remove.path);
            }
            if let Some(add) = action.add {
                if add.deletion_vector.as_ref().is_some_and(|vector| !vector.is_null()) {
                    return Err(Error::environment(format!("the Delta table '{table}' cannot be used"))
                        .why(format!(
                            "its file '{}' has a deletion vector, which Millstream does not support",
                            add.path
                        ))
                        .hint(
                            "rewrite the table where it was changed, for example with 'reorg table … apply (purge)'",
                        ));
                }
                self.files.add(add);
            }
            if action.checkpoint_metadata.is_some() {
                return Err(Error::environment(format!("the Delta table '{table}' cannot be used"))
                    .why("it has a checkpoint of the second version, which Millstream does not support"));
            }
        }
        Ok(())
    }

    /// The snapshot after the last applied commit.
    pub(crate) fn finish(self, folder: PathBuf, version: u64) -> Result<Snapshot> {
        let table = label(&folder);
        let incomplete = || {
            Error::environment(format!("the log of the Delta table '{table}' is damaged"))
                .why("it has no protocol or no metadata")
                .hint("restore the table's folder, or drop the table and build it again")
        };
        let protocol = self.protocol.ok_or_else(incomplete)?;
        let metadata = self.metadata.ok_or_else(incomplete)?;
        let (schema, engine_schema) = self.schema.ok_or_else(incomplete)?;
        check_readable(&table, &protocol, &metadata)?;
        Ok(Snapshot {
            folder,
            version,
            protocol,
            metadata,
            schema,
            engine_schema,
            files: Arc::new(self.files.into_files()),
            positions: self.positions,
        })
    }
}
