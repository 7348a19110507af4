//! Lists, dicts and sets with Python's identity: changed in place, seen by every holder.
//!
//! No lock is held while elements are compared, hashed or printed, because an element may be the container itself.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::{IndexMap, IndexSet};
use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use super::repr;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere cannot leave a Vec or map half changed by us, so a poisoned lock is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Python's `list`.
pub(crate) struct List(Mutex<Vec<Value>>);

impl List {
    pub(crate) fn new(items: Vec<Value>) -> Self {
        Self(Mutex::new(items))
    }
    pub(crate) fn snapshot(&self) -> Vec<Value> {
        locked(&self.0).clone()
    }
    pub(crate) fn len(&self) -> usize {
        locked(&self.0).len()
    }
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut Vec<Value>) -> R) -> R {
        change(&mut locked(&self.0))
    }
    /// The element at a Python index: negative counts from the end.
    pub(crate) fn at(&self, index: i128) -> Option<Value> {
        let items = locked(&self.0);
        items.get(super::ops::python_index(index, items.len())?).cloned()
    }
}

/// Dropping a list that holds a list that holds a list … must not take stack for each of them.
impl Drop for List {
    fn drop(&mut self) {
        let items = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop_all(std::mem::take(items));
    }
}

impl Drop for Dict {
    fn drop(&mut self) {
        let pairs = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop_all(std::mem::take(pairs).into_values().collect());
    }
}

/// Stack that must be left before anything but a list or dict is dropped, and what is added when it is not.
const STACK_LEFT_BYTES: usize = 128 * 1024;
const STACK_GROWTH_BYTES: usize = 2 * 1024 * 1024;

fn drop_all(mut work: Vec<Value>) {
    while let Some(value) = work.pop() {
        if let Some(list) = value.downcast_object::<List>() {
            drop(value);
            // Ours is the last hold: what is in it goes with it.
            if Arc::strong_count(&list) == 1 {
                work.append(&mut locked(&list.0));
            }
        } else if let Some(dict) = value.downcast_object::<Dict>() {
            drop(value);
            if Arc::strong_count(&dict) == 1 {
                work.extend(std::mem::take(&mut *locked(&dict.0)).into_values());
            }
        } else {
            stacker::maybe_grow(STACK_LEFT_BYTES, STACK_GROWTH_BYTES, || drop(value));
        }
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("list")
    }
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.at(i128::try_from(key.clone()).ok()?)
    }
    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.snapshot())
    }
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&repr::text(&Value::from_dyn_object(self.clone())))
    }
}

/// Python's `dict`: keys in the order in which they came.
pub(crate) struct Dict(Mutex<IndexMap<Value, Value>>);

impl Dict {
    pub(crate) fn new(pairs: IndexMap<Value, Value>) -> Self {
        Self(Mutex::new(pairs))
    }
    pub(crate) fn get(&self, key: &Value) -> Option<Value> {
        if !super::hashable(key) {
            return None;
        }
        locked(&self.0).get(key).cloned()
    }
    pub(crate) fn keys(&self) -> Vec<Value> {
        locked(&self.0).keys().cloned().collect()
    }
    pub(crate) fn pairs(&self) -> Vec<(Value, Value)> {
        locked(&self.0).iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
    pub(crate) fn len(&self) -> usize {
        locked(&self.0).len()
    }
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut IndexMap<Value, Value>) -> R) -> R {
        change(&mut locked(&self.0))
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dict")
    }
}

impl Object for Dict {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key)
    }
    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.keys())
    }
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&repr::text(&Value::from_dyn_object(self.clone())))
    }
}

/// Python's `set`; ours keeps the order in which elements came, so that output is the same every time.
pub(crate) struct Set(Mutex<IndexSet<Value>>);

impl Set {
    pub(crate) fn new(items: IndexSet<Value>) -> Self {
        Self(Mutex::new(items))
    }
    pub(crate) fn snapshot(&self) -> Vec<Value> {
        locked(&self.0).iter().cloned().collect()
    }
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut IndexSet<Value>) -> R) -> R {
        change(&mut locked(&self.0))
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("set")
    }
}

impl Object for Set {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }
    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.snapshot())
    }
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&repr::text(&Value::from_dyn_object(self.clone())))
    }
}
