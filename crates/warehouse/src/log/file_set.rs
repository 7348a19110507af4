//! Files by path that keep their order. Removal leaves a hole, so that a commit costs what it changes.

use std::collections::HashMap;
use std::sync::Arc;

use super::action::Add;
use super::snapshot::DataFile;

#[derive(Debug, Default)]
pub(super) struct FileSet {
    order: Vec<Option<Arc<DataFile>>>,
    by_path: HashMap<String, usize>,
}

impl FileSet {
    pub(super) fn from_files(files: &[Arc<DataFile>]) -> Self {
        let by_path = files.iter().enumerate().map(|(at, file)| (file.add.path.clone(), at)).collect();
        Self { order: files.iter().cloned().map(Some).collect(), by_path }
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
    }

    pub(super) fn into_files(self) -> Vec<Arc<DataFile>> {
        self.order.into_iter().flatten().collect()
    }
}
