//! Queries that were planned before and are the same, over relations that have the same columns, are not planned again.
//!
//! Guarantees: only what passed is kept, by the hash of the SQL and with the columns of all that it reads; a text that
//! is damaged or of another program is passed over; the file is replaced whole.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::convert::{IpcSchemaEncoder, fb_to_schema};
use millstream_core::TableName;
use millstream_core::warehouse::RelationKind;
use sha2::{Digest, Sha256};

/// sha256.
pub(super) type Hash = [u8; 32];

/// Beside the other artifacts.
const FILE: &str = "millstream_check.bin";

/// Checks after which a query that none of them had is forgotten.
const UNUSED_CHECKS_MAX: u32 = 20;

/// Queries that are kept at most.
const ENTRIES_MAX: usize = 100_000;

/// A query that passed.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Entry {
    /// What it reads, with a hash of the columns.
    reads: Vec<(TableName, Hash)>,
    /// Its own columns, as Arrow's own bytes of a schema.
    schema: Vec<u8>,
    /// Number of the check that had it last.
    used: u32,
}

#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Kept {
    program: String,
    check: u32,
    entries: HashMap<Hash, Entry>,
}

/// The queries of earlier checks.
pub(super) struct Cache {
    /// `None`: nothing is kept.
    path: Option<PathBuf>,
    kept: Mutex<Kept>,
    is_changed: AtomicBool,
}

impl Cache {
    /// Reads what was kept in a folder of artifacts. Without a name of the program nothing is kept.
    pub(super) fn open(target_dir: &Path, program: Option<String>) -> Self {
        let path = program.is_some().then(|| target_dir.join(FILE));
        let program = program.unwrap_or_default();
        let kept = path.as_ref().and_then(|path| read(path)).filter(|kept| kept.program == program);
        let mut kept = kept.unwrap_or_else(|| Kept { program, ..Kept::default() });
        kept.check = kept.check.wrapping_add(1);
        Self { path, kept: Mutex::new(kept), is_changed: AtomicBool::new(false) }
    }

    /// The columns of a query that passed before, if what it reads has the columns that it had then.
    pub(super) fn get(&self, key: &Hash, columns_of: impl Fn(&TableName) -> Option<Hash>) -> Option<SchemaRef> {
        let found = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.entries.get(key).cloned()?
        };
        if !found.reads.iter().all(|(name, columns)| columns_of(name).as_ref() == Some(columns)) {
            return None;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let check = kept.check;
        if let Some(entry) = kept.entries.get_mut(key) {
            entry.used = check;
        }
        arrow::ipc::root_as_schema(&found.schema).ok().map(fb_to_schema).map(SchemaRef::new)
    }

    /// Keeps a query that passed.
    pub(super) fn put(&self, key: Hash, reads: Vec<(TableName, Hash)>, schema: &Schema) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let used = kept.check;
        kept.entries.insert(key, Entry { reads, schema: bytes_of(schema), used });
        self.is_changed.store(true, Ordering::Relaxed);
    }

    /// Writes what is new. A cache that cannot be written costs time and nothing else.
    pub(super) fn finish(&self) {
        let Some(path) = self.path.as_ref().filter(|_| self.is_changed.load(Ordering::Relaxed)) else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let check = kept.check;
        kept.entries.retain(|_, entry| check.wrapping_sub(entry.used) <= UNUSED_CHECKS_MAX);
        if kept.entries.len() > ENTRIES_MAX {
            kept.entries.retain(|_, entry| entry.used == check);
        }
        let Ok(body) = rmp_serde::to_vec(&*kept) else { return };
        let mut bytes = crc32c::crc32c(&body).to_le_bytes().to_vec();
        bytes.extend(body);
        let _ = crate::artifacts::write_whole(path, &bytes);
    }
}

fn read(path: &Path) -> Option<Kept> {
    let bytes = std::fs::read(path).ok()?;
    let (sum, body) = bytes.split_first_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    rmp_serde::from_slice(body).ok()
}

/// What tells one query from another.
pub(super) fn key(sql: &str, default_schema: Option<&str>, dialect: &str, built_as: Option<RelationKind>) -> Hash {
    let mut hasher = Sha256::new();
    let mut add = |part: &str| {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    add(default_schema.unwrap_or_default());
    add(dialect);
    add(match built_as {
        Some(RelationKind::Table) => "table",
        Some(RelationKind::View) => "view",
        None => "",
    });
    add(sql);
    hasher.finalize().into()
}

/// What tells columns from others.
pub(super) fn columns(schema: &Schema) -> Hash {
    Sha256::digest(bytes_of(schema)).into()
}

fn bytes_of(schema: &Schema) -> Vec<u8> {
    IpcSchemaEncoder::new().schema_to_fb(schema).finished_data().to_vec()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use arrow::datatypes::{DataType, Field};

    use super::*;

    #[test]
    fn a_query_is_known_while_what_it_reads_has_the_same_columns() {
        let folder = tempfile::tempdir().unwrap();
        let open = |program: &str| Cache::open(folder.path(), Some(program.to_owned()));
        let schema = Schema::new(vec![Field::new("a", DataType::Int64, true)]);
        let (name, query) = (TableName::new("s", "t"), key("select a from s.t", None, "", None));
        let cache = open("1");
        cache.put(query, vec![(name.clone(), columns(&schema))], &schema);
        cache.finish();
        let same = |_: &TableName| Some(columns(&schema));
        assert_eq!(open("1").get(&query, same).unwrap().as_ref(), &schema);
        assert!(open("1").get(&query, |_| None).is_none());
        assert!(open("1").get(&key("select b from s.t", None, "", None), same).is_none());
        assert!(open("2").get(&query, same).is_none(), "another program");
        let path = folder.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(open("1").get(&query, same).is_none(), "a damaged file");
    }
}
