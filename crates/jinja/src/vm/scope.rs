//! Local names: scopes that see the ones around them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::syntax::ast::Name;
use crate::value::Value;

/// One level of local names. Loops, macros, `with` and `set` blocks open one; `if` does not, as in Jinja.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    names: Mutex<HashMap<Name, Value>>,
    around: Option<Arc<Scope>>,
}

impl Scope {
    pub(crate) fn root() -> Arc<Self> {
        Arc::new(Self::default())
    }
    pub(crate) fn inside(around: &Arc<Scope>) -> Arc<Self> {
        Arc::new(Self { names: Mutex::default(), around: Some(around.clone()) })
    }
    fn locked(&self) -> MutexGuard<'_, HashMap<Name, Value>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn set(&self, name: Name, value: Value) {
        self.locked().insert(name, value);
    }
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        let mut scope = Some(self);
        while let Some(current) = scope {
            if let Some(value) = current.locked().get(name) {
                return Some(value.clone());
            }
            scope = current.around.as_deref();
        }
        None
    }
    /// Every name that can be seen from here, for hints.
    pub(crate) fn names(&self) -> Vec<Name> {
        let mut all = Vec::new();
        let mut scope = Some(self);
        while let Some(current) = scope {
            all.extend(current.locked().keys().cloned());
            scope = current.around.as_deref();
        }
        all
    }
    pub(crate) fn clear(&self) {
        // Values are dropped after the lock is given back: dropping one may come back here.
        let names = std::mem::take(&mut *self.locked());
        drop(names);
    }
}
