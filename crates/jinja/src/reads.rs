//! What renderings have read that may differ from one invocation to the next, so that a caller who keeps what parsing
//! found knows how long it holds.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What renderings have read. Shared by all clones of one [`EnvironmentOptions`](crate::EnvironmentOptions).
#[derive(Debug, Default)]
pub struct Reads {
    env: Mutex<BTreeSet<String>>,
    moving: AtomicBool,
}

impl Reads {
    /// Names that `env_var()` was called with, set or not.
    pub fn env_names(&self) -> BTreeSet<String> {
        self.env.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a setting, a YAML value or a relation's name came after a look at the clock or at the invocation's id, so
    /// that it may be another one next time.
    pub fn is_moving(&self) -> bool {
        self.moving.load(Ordering::Relaxed)
    }

    pub(crate) fn read_env(&self, name: &str) {
        let mut env = self.env.lock().unwrap_or_else(PoisonError::into_inner);
        if !env.contains(name) {
            env.insert(name.to_owned());
        }
    }

    pub(crate) fn settle_on_moving(&self) {
        self.moving.store(true, Ordering::Relaxed);
    }
}
