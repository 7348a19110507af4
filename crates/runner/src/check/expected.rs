//! The relations that will be there when a request runs, with the columns that they will have.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use millstream_core::TableName;
use millstream_core::warehouse::{Expectations, Expected};

/// Filled as the check goes down the graph.
#[derive(Default)]
pub(super) struct Known {
    relations: RwLock<HashMap<TableName, Expected>>,
}

impl Known {
    pub(super) fn set(&self, name: TableName, expected: Expected) {
        self.relations.write().unwrap_or_else(PoisonError::into_inner).insert(name, expected);
    }

    pub(super) fn get(&self, name: &TableName) -> Option<Expected> {
        self.relations.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// What one node sees: of itself, what exists.
pub(super) struct Seen<'a> {
    pub(super) known: &'a Known,
    pub(super) own: Option<TableName>,
}

impl Expectations for Seen<'_> {
    fn expected(&self, name: &TableName) -> Option<Expected> {
        if self.own.as_ref() == Some(name) { None } else { self.known.get(name) }
    }

    fn names(&self) -> Vec<TableName> {
        self.known.relations.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}
