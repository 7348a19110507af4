//! Making a commit on a table: the actions that every kind of commit needs.

use std::sync::Arc;

use arrow::datatypes::Schema;
use chrono::{DateTime, Utc};
use millstream_core::warehouse::Part;

use crate::log::schema::to_delta;
use crate::log::{Action, Add, CommitInfo, DataFile, Metadata, Remove, Snapshot, Txn, protocol_for};

/// Puts the actions of one commit together.
pub(crate) struct Actions {
    all: Vec<Action>,
    now_ms: i64,
}

impl Actions {
    /// A commit by `operation` that was prepared on `read_version`.
    pub(crate) fn new(
        operation: &str,
        read_version: Option<u64>,
        now: DateTime<Utc>,
        note: &serde_json::Map<String, serde_json::Value>,
    ) -> Self {
        let info = CommitInfo {
            timestamp: Some(now.timestamp_millis()),
            operation: Some(operation.to_owned()),
            operation_parameters: Some(serde_json::Map::new()),
            read_version,
            is_blind_append: None,
            engine_info: Some(concat!("millstream/", env!("CARGO_PKG_VERSION")).into()),
            user_metadata: (!note.is_empty()).then(|| serde_json::Value::Object(note.clone()).to_string()),
        };
        Self { all: vec![Action { commit_info: Some(info), ..Action::default() }], now_ms: now.timestamp_millis() }
    }

    /// The table gets this schema; nothing is written when it has it already.
    pub(crate) fn schema(&mut self, schema: &Schema, current: Option<&Snapshot>, new_id: impl FnOnce() -> String) {
        if let Some(protocol) = protocol_for(schema, current.map(|snapshot| &snapshot.protocol)) {
            self.all.push(Action { protocol: Some(protocol), ..Action::default() });
        }
        let schema_string = to_delta(schema);
        let metadata = match current {
            Some(snapshot) if *snapshot.schema == *schema => return,
            Some(snapshot) => Metadata { schema_string, ..snapshot.metadata.clone() },
            None => Metadata { id: new_id(), schema_string, created_time: Some(self.now_ms), ..Metadata::default() },
        };
        self.all.push(Action { meta_data: Some(metadata), ..Action::default() });
    }

    /// Positions to set.
    pub(crate) fn positions(&mut self, positions: &[(String, i64)]) {
        self.all.extend(positions.iter().map(|(app_id, version)| {
            let txn = Txn { app_id: app_id.clone(), version: *version, last_updated: Some(self.now_ms) };
            Action { txn: Some(txn), ..Action::default() }
        }));
    }

    /// Files that come in.
    pub(crate) fn add(&mut self, parts: &[Part]) {
        self.bring(parts, true);
    }

    /// Files that go out.
    pub(crate) fn remove<'a>(&mut self, files: impl IntoIterator<Item = &'a Arc<DataFile>>) {
        self.take(files, true);
    }

    /// Files that hold the same rows as others did: readers of changes pass them over.
    pub(crate) fn rearrange(&mut self, removed: &[Arc<DataFile>], parts: &[Part]) {
        self.take(removed, false);
        self.bring(parts, false);
    }

    fn bring(&mut self, parts: &[Part], data_change: bool) {
        let now_ms = self.now_ms;
        self.all.extend(parts.iter().map(|part| {
            let add = Add { data_change, ..add_of(part, now_ms) };
            Action { add: Some(add), ..Action::default() }
        }));
    }

    fn take<'a>(&mut self, files: impl IntoIterator<Item = &'a Arc<DataFile>>, data_change: bool) {
        let now_ms = self.now_ms;
        self.all.extend(files.into_iter().map(|file| {
            let remove = Remove {
                path: file.add.path.clone(),
                deletion_timestamp: Some(now_ms),
                data_change,
                extended_file_metadata: Some(true),
                partition_values: Some(file.add.partition_values.clone()),
                size: Some(file.add.size),
            };
            Action { remove: Some(remove), ..Action::default() }
        }));
    }

    pub(crate) fn finish(self) -> Vec<Action> {
        self.all
    }
}

/// The action that brings a written file in.
pub(crate) fn add_of(part: &Part, now_ms: i64) -> Add {
    Add {
        path: part.path.clone(),
        size: part.bytes,
        modification_time: now_ms,
        data_change: true,
        stats: Some(part.stats.clone()),
        ..Add::default()
    }
}

/// Written files as a staged version lists them.
pub(crate) fn data_files(parts: &[Part], now_ms: i64) -> impl Iterator<Item = Arc<DataFile>> {
    parts.iter().map(move |part| Arc::new(DataFile::new(add_of(part, now_ms))))
}
