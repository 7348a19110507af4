//! Files by path that keep their order. A commit costs what it changes and one pass over pointers: the files of the
//! version before are shared, not copied.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::action::Add;
use super::snapshot::DataFile;

#[derive(Debug, Default)]
pub(super) struct FileSet {
    base: Arc<Vec<Arc<DataFile>>>,
    /// Paths of the base that went, or came again.
    gone: HashSet<String>,
    order: Vec<Option<Arc<DataFile>>>,
    by_path: HashMap<String, usize>,
}

impl FileSet {
    pub(super) fn from_files(files: &Arc<Vec<Arc<DataFile>>>) -> Self {
        Self { base: Arc::clone(files), ..Self::default() }
    }

    pub(super) fn add(&mut self, add: Add) {
        self.remove(&add.path);
        self.by_path.insert(add.path.clone(), self.order.len());
        self.order.push(Some(Arc::new(DataFile::new(add))));
    }

    pub(super) fn remove(&mut self, path: &str) {
        if let Some(slot) = self.by_path.remove(path).and_then(|at| self.order.get_mut(at)) {
            *slot = None;
        }
        if !self.base.is_empty() {
            self.gone.insert(path.to_owned());
        }
    }

    pub(super) fn into_files(self) -> Vec<Arc<DataFile>> {
        let kept = self.base.iter().filter(|file| !self.gone.contains(&file.add.path)).cloned();
        kept.chain(self.order.into_iter().flatten()).collect()
    }
}
