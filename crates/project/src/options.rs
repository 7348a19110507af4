//! What a caller gives to [`crate::load`] besides the files.
//!
//! Guarantees: nothing else than these values and the file set decides what a load returns, so that the same
//! options and files give the same manifest. Deliberately absent: reading the process environment, the clock
//! or a random source; the composition root does that.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::ParseCache;

/// What a caller gives to [`crate::load`].
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Folder that holds `dbt_project.yml`.
    pub project_dir: PathBuf,
    /// Folder that holds `profiles.yml`; otherwise `DBT_PROFILES_DIR`, the project folder and `~/.dbt` are tried.
    pub profiles_dir: Option<PathBuf>,
    /// Profile to use instead of the one that `dbt_project.yml` names.
    pub profile: Option<String>,
    /// Target of the profile to use instead of the profile's default one.
    pub target: Option<String>,
    /// Variables of the command line (`--vars`); they win over those of `dbt_project.yml`.
    pub vars: Map<String, Value>,
    /// The environment that `env_var()` reads. Secrets (`DBT_ENV_SECRET_…`) may be in it.
    pub env: BTreeMap<String, String>,
    /// Threads instead of the target's.
    pub threads: Option<usize>,
    /// The instant the invocation started, UTC: `run_started_at`, `generated_at`, `created_at`.
    pub now: DateTime<Utc>,
    /// Id of the invocation, for `invocation_id` and the manifest's metadata.
    pub invocation_id: String,
    /// Keeps what was read, so that an unchanged project is not read again. `None`: it is always read.
    pub cache: Option<Arc<dyn ParseCache>>,
}

impl LoadOptions {
    /// Options with an empty environment, the given folder, and a fixed instant and id. For tests and tools that
    /// need neither.
    pub fn new(project_dir: impl Into<PathBuf>, now: DateTime<Utc>, invocation_id: impl Into<String>) -> Self {
        Self {
            project_dir: project_dir.into(),
            profiles_dir: None,
            profile: None,
            target: None,
            vars: Map::new(),
            env: BTreeMap::new(),
            threads: None,
            now,
            invocation_id: invocation_id.into(),
            cache: None,
        }
    }
}
