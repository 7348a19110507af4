//! What an [`Environment`](crate::Environment) is made from: everything that is the same for all templates of a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};

use crate::{Limits, Reads};

/// One file of a package's `macros/` or `tests/generic/` folder.
#[derive(Debug, Clone)]
pub struct MacroFile {
    /// The package that the file belongs to.
    pub package: String,
    /// Path from that package's root, as shown in errors and in the manifest.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Values for `var()`.
#[derive(Debug, Clone, Default)]
pub struct Vars {
    /// From `--vars`: these win in every package.
    pub overrides: Map<String, Json>,
    /// Per package: what is visible there, after the root project's values were laid over the package's own.
    pub by_package: BTreeMap<String, Map<String, Json>>,
}

impl Vars {
    /// The value of `name` as a template of `package` sees it.
    pub fn get(&self, package: &str, name: &str) -> Option<&Json> {
        self.overrides.get(name).or_else(|| self.by_package.get(package)?.get(name))
    }
    /// Every name that a template of `package` could ask for, for hints.
    pub fn names<'a>(&'a self, package: &str) -> impl Iterator<Item = &'a str> {
        let scoped = self.by_package.get(package).into_iter().flat_map(Map::keys);
        self.overrides.keys().chain(scoped).map(String::as_str)
    }
}

/// Everything that is the same for all templates of one run.
#[derive(Debug, Clone)]
pub struct EnvironmentOptions {
    /// Name of the root project; its macros override those of packages.
    pub project_name: String,
    /// The macro files of the project and of its packages. The built-in packages `dbt` and `dbt_utils` are added here;
    /// a project that brings its own package `dbt_utils` replaces ours.
    pub macros: Vec<MacroFile>,
    /// The `target` variable: `name`, `schema`, `database`, `type`, `threads`, `profile_name`, and what else the profile has.
    pub target: Json,
    /// Values for `var()`.
    pub vars: Vars,
    /// Versions of the root project and of packages, where their `dbt_project.yml` tell one.
    pub versions: BTreeMap<String, String>,
    /// Values for `env_var()`: normally the process environment.
    pub env: BTreeMap<String, String>,
    /// `run_started_at`, and what `modules.datetime.datetime.now()` tells: one instant for the whole run.
    pub now: DateTime<Utc>,
    /// `invocation_id`.
    pub invocation_id: String,
    /// The `flags` variable, names in upper case as in dbt (`FULL_REFRESH`, `WHICH`, …).
    pub flags: Map<String, Json>,
    /// The `dispatch:` entries of `dbt_project.yml`: macro namespace to packages, in the order in which they are searched.
    pub dispatch: BTreeMap<String, Vec<String>>,
    /// Texts for `doc()`, as (package, name) to text.
    pub docs: BTreeMap<(String, String), String>,
    /// The `graph` variable, for rendering (not parsing); `Null` when there is none.
    pub graph: Json,
    /// What one rendering may use up.
    pub limits: Limits,
    /// Notes what renderings read that may change.
    pub reads: Arc<Reads>,
}

impl Default for EnvironmentOptions {
    fn default() -> Self {
        Self {
            project_name: "project".to_owned(),
            macros: Vec::new(),
            target: serde_json::json!({"name": "dev", "schema": "analytics", "type": "millstream", "threads": 1}),
            vars: Vars::default(),
            versions: BTreeMap::new(),
            env: BTreeMap::new(),
            now: DateTime::<Utc>::UNIX_EPOCH,
            invocation_id: String::new(),
            flags: Map::new(),
            dispatch: BTreeMap::new(),
            docs: BTreeMap::new(),
            graph: Json::Null,
            limits: Limits::default(),
            reads: Arc::default(),
        }
    }
}
