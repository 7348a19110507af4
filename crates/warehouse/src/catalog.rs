//! What is in the warehouse's folder: schemas are folders, tables are folders with a Delta log in them, views are
//! files `<name>.view.json`. A view wins over a table of the same name, see [`crate::stage`].

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millstream_core::warehouse::RelationKind;
use millstream_core::{Error, Result, TableName};
use parking_lot::Mutex;

use crate::log::{self, Freshness, LOG_FOLDER, Snapshot};
use crate::suggest::nearest;
use crate::view::{StoredView, VIEW_SUFFIX};

/// Names that other relations could not have: they belong to the warehouse.
const RESERVED_SCHEMA: &str = "information_schema";

/// Characters that a schema's or relation's name may have at most: file systems allow 255 bytes, suffixes included.
const NAME_BYTES_MAX: usize = 200;

/// The folder, and the latest versions that were read from it.
pub(crate) struct Catalog {
    root: PathBuf,
    snapshots: Mutex<HashMap<TableName, (Arc<Snapshot>, Freshness)>>,
    /// Past versions that were read, the latest last: the queries of a run all read the same.
    past: Mutex<HashMap<TableName, Vec<Arc<Snapshot>>>>,
}

/// Past versions of a table that are kept in memory.
const PAST_MAX: usize = 16;

impl Catalog {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, snapshots: Mutex::default(), past: Mutex::default() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a table, which need not exist.
    ///
    /// # Errors
    /// A user error when the name cannot be a folder's.
    pub(crate) fn folder(&self, name: &TableName) -> Result<PathBuf> {
        check_name(&name.schema, name)?;
        check_name(&name.name, name)?;
        if name.schema.eq_ignore_ascii_case(RESERVED_SCHEMA) {
            return Err(Error::user(format!("'{name}' cannot be written")).why("that schema describes the warehouse"));
        }
        Ok(self.root.join(&name.schema).join(&name.name))
    }

    /// The folder of a schema, which need not exist.
    ///
    /// # Errors
    /// As [`Catalog::folder`].
    pub(crate) fn schema_folder(&self, schema: &str) -> Result<PathBuf> {
        self.folder(&TableName::new(schema, "x"))?;
        Ok(self.root.join(schema))
    }

    /// Forgets what was read of these relations: their folders are others now.
    pub(crate) fn forget(&self, names: &[&TableName]) {
        let mut snapshots = self.snapshots.lock();
        for name in names {
            snapshots.remove(*name);
        }
    }

    /// The file of a view, which need not exist.
    pub(crate) fn view_file(&self, name: &TableName) -> Result<PathBuf> {
        self.folder(name)?;
        Ok(self.root.join(&name.schema).join(format!("{}{VIEW_SUFFIX}", name.name)))
    }

    /// The stored view of this name.
    pub(crate) fn view(&self, name: &TableName) -> Result<Option<StoredView>> {
        StoredView::read(&self.view_file(name)?)
    }

    /// The latest version of the table of this name.
    pub(crate) fn table(&self, name: &TableName) -> Result<Option<Arc<Snapshot>>> {
        let folder = self.folder(name)?;
        let known = self.snapshots.lock().get(name).cloned();
        let latest = log::latest(&folder, known.as_ref().map(|(snapshot, fresh)| (snapshot, *fresh)))?;
        let mut snapshots = self.snapshots.lock();
        match latest {
            Some((snapshot, fresh)) => {
                snapshots.insert(name.clone(), (snapshot.clone(), fresh));
                drop(snapshots);
                // Who reads a version that was latest a moment ago does not read its log for it.
                if let Some((known, _)) = known.filter(|(known, _)| known.version != snapshot.version) {
                    self.keep(name, known);
                }
                Ok(Some(snapshot))
            }
            None => {
                snapshots.remove(name);
                Ok(None)
            }
        }
    }

    /// A version of the table of this name; `None` when there is no such table.
    ///
    /// # Errors
    /// A user error when the version does not exist (any more).
    pub(crate) fn past(&self, name: &TableName, version: u64) -> Result<Option<Arc<Snapshot>>> {
        let Some(latest) = self.table(name)? else { return Ok(None) };
        if latest.version == version {
            return Ok(Some(latest));
        }
        // A table that was dropped and made again has another id.
        let is_it = |it: &&Arc<Snapshot>| it.version == version && it.metadata.id == latest.metadata.id;
        if let Some(known) = self.past.lock().get(name).and_then(|all| all.iter().find(is_it).cloned()) {
            return Ok(Some(known));
        }
        let Some(loaded) = log::load(&self.folder(name)?, Some(version))?.map(Arc::new) else { return Ok(None) };
        self.keep(name, loaded.clone());
        Ok(Some(loaded))
    }

    fn keep(&self, name: &TableName, snapshot: Arc<Snapshot>) {
        let mut past = self.past.lock();
        let all = past.entry(name.clone()).or_default();
        if all.iter().any(|it| it.version == snapshot.version && it.metadata.id == snapshot.metadata.id) {
            return;
        }
        if all.len() >= PAST_MAX {
            all.remove(0);
        }
        all.push(snapshot);
    }

    /// What the relation of this name is.
    pub(crate) fn kind(&self, name: &TableName) -> Result<Option<RelationKind>> {
        if self.view_file(name)?.is_file() {
            Ok(Some(RelationKind::View))
        } else {
            Ok(self.is_table(&self.folder(name)?).then_some(RelationKind::Table))
        }
    }

    /// A folder with data files but no commit is not a table yet.
    fn is_table(&self, folder: &Path) -> bool {
        folder.join(LOG_FOLDER).read_dir().is_ok_and(|mut entries| {
            entries.any(|entry| {
                entry.is_ok_and(|entry| {
                    let name = entry.file_name();
                    let name = name.to_string_lossy();
                    name.ends_with(".json") || name.ends_with(".checkpoint.parquet")
                })
            })
        })
    }

    /// Schemas that have a folder, sorted.
    pub(crate) fn schemas(&self) -> Result<Vec<String>> {
        Ok(entries(&self.root)?.into_iter().filter(|(_, is_folder)| *is_folder).map(|(name, _)| name).collect())
    }

    /// Relations of one schema or of all, sorted by name.
    pub(crate) fn list(&self, schema: Option<&str>) -> Result<Vec<(TableName, RelationKind)>> {
        let schemas = match schema {
            Some(one) => vec![one.to_owned()],
            None => self.schemas()?,
        };
        let mut all = std::collections::BTreeMap::new();
        for schema in schemas {
            let folder = self.root.join(&schema);
            for (name, is_folder) in entries(&folder)? {
                if is_folder && self.is_table(&folder.join(&name)) {
                    all.entry(TableName::new(&schema, name)).or_insert(RelationKind::Table);
                } else if let Some(name) = name.strip_suffix(VIEW_SUFFIX) {
                    all.insert(TableName::new(&schema, name), RelationKind::View);
                }
            }
        }
        Ok(all.into_iter().collect())
    }

    /// The relation that a name in SQL means. Without a schema: that of the default schema, else the only one of this
    /// name in any schema. `also` are relations that are not in the folder (staged ones).
    ///
    /// # Errors
    /// A user error when there is none (with what may have been meant) or more than one.
    pub(crate) fn resolve(
        &self,
        schema: Option<&str>,
        name: &str,
        default: Option<&str>,
        also: &[TableName],
    ) -> Result<TableName> {
        let exists =
            |candidate: &TableName| -> Result<bool> { Ok(also.contains(candidate) || self.kind(candidate)?.is_some()) };
        if let Some(schema) = schema {
            let candidate = TableName::new(schema, name);
            return if exists(&candidate)? { Ok(candidate) } else { Err(self.unknown(&candidate.to_string(), also)) };
        }
        if let Some(schema) = default {
            let candidate = TableName::new(schema, name);
            if exists(&candidate)? {
                return Ok(candidate);
            }
        }
        let mut found: Vec<TableName> = self.list(None)?.into_iter().map(|(name, _)| name).collect();
        found.extend(also.iter().cloned());
        found.retain(|candidate| candidate.name == name);
        found.sort();
        found.dedup();
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(self.unknown(name, also)),
            [first, ..] => {
                let all: Vec<String> = found.iter().map(ToString::to_string).collect();
                Err(Error::user(format!("'{name}' is ambiguous"))
                    .why(format!("there are {}", all.join(" and ")))
                    .hint(format!("write the schema too, for example {first}")))
            }
        }
    }

    fn unknown(&self, written: &str, also: &[TableName]) -> Error {
        let mut known: Vec<TableName> = self.list(None).unwrap_or_default().into_iter().map(|(name, _)| name).collect();
        known.extend(also.iter().cloned());
        let full: Vec<String> = known.iter().map(ToString::to_string).collect();
        let bare = written.rsplit('.').next().unwrap_or(written);
        let guess = nearest(written, full.iter().map(String::as_str)).map(str::to_owned).or_else(|| {
            let name = nearest(bare, known.iter().map(|known| known.name.as_str()))?;
            known.iter().find(|known| known.name == name).map(ToString::to_string)
        });
        let error = Error::user(format!("there is no table or view '{written}'"));
        match guess {
            Some(guess) => error.hint(format!("did you mean '{guess}'?")),
            None if full.is_empty() => error.hint("the warehouse is empty: ingest a source or build a model first"),
            None => error.hint("'show tables' lists what there is"),
        }
    }
}

fn check_name(part: &str, name: &TableName) -> Result<()> {
    let bad = part.is_empty()
        || part.len() > NAME_BYTES_MAX
        || part.starts_with('.')
        || part.contains(['/', '\\', ':'])
        || part.chars().any(char::is_control);
    if bad {
        return Err(Error::user(format!("'{name}' cannot be the name of a table or view")).why(format!(
            "schema and name must be 1 to {NAME_BYTES_MAX} bytes, not start with '.' and hold no '/', '\\', ':' or control characters"
        )));
    }
    Ok(())
}

/// Names in a folder that do not start with a dot, and whether they are folders; sorted. A missing folder is empty.
fn entries(folder: &Path) -> Result<Vec<(String, bool)>> {
    let failed = |error: std::io::Error| {
        Error::environment("the warehouse's folder cannot be read").why(format!("{}: {error}", folder.display()))
    };
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut all = Vec::new();
    for entry in listing {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            all.push((name, entry.file_type().map_err(failed)?.is_dir()));
        }
    }
    all.sort();
    Ok(all)
}
