//! What a command is given, and the parts it can open: the project, the workspace, the runner.
//!
//! Guarantees: this is the only place that knows which implementation stands behind each seam.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millstream_core::{Clock, Error, Result, Warehouse};
use millstream_project::{LoadOptions, ParseCache, Project, Target};
use millstream_runner::{Cancel, Events, Ids, Runner};
use millstream_store::Store;
use millstream_warehouse::{EmbeddedOptions, EmbeddedWarehouse};
use serde_json::{Map, Value};

use crate::interrupt::Interrupt;
use crate::memory;
use crate::options::{EngineChoice, GlobalOptions};
use crate::parse_cache::FileCache;
use crate::talk::Talk;

/// File that makes a folder a project.
pub const PROJECT_FILE: &str = "dbt_project.yml";

/// What every command is given.
pub struct Context {
    /// Options of every command.
    pub global: GlobalOptions,
    /// Says lines to the user.
    pub talk: Arc<Talk>,
    /// The user's wish to stop.
    pub interrupt: Interrupt,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids of runs.
    pub ids: Arc<dyn Ids>,
    /// The environment, for `env_var()`.
    pub env: BTreeMap<String, String>,
}

/// An open workspace.
pub struct Workspace {
    /// Its folder.
    pub path: PathBuf,
    /// Where relations live.
    pub warehouse: Arc<dyn Warehouse>,
    /// Where runs and the ledger are recorded.
    pub store: Arc<Store>,
}

impl Context {
    /// The project's folder: `--project-dir`, or the nearest folder upwards that has a `dbt_project.yml`.
    pub fn project_dir(&self) -> Result<PathBuf> {
        if let Some(folder) = &self.global.project_dir {
            if folder.join(PROJECT_FILE).is_file() {
                return Ok(folder.clone());
            }
            return Err(Error::usage(format!("{} has no {PROJECT_FILE}", folder.display()))
                .hint("give --project-dir the folder of a project"));
        }
        let here = std::env::current_dir()
            .map_err(|error| Error::environment("the current folder cannot be read").why(error))?;
        match here.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file()) {
            Some(folder) => Ok(folder.to_path_buf()),
            None => Err(Error::usage(format!("no {PROJECT_FILE} in this folder or above it")).hint(
                "go into a project's folder, name it with --project-dir, or start one with 'millstream init NAME'",
            )),
        }
    }

    /// Reads the project. All its problems are told at once; warnings are said and stop nothing.
    pub fn load_project(&self) -> Result<Project> {
        self.load_project_in(&self.project_dir()?)
    }

    /// Reads the project with the variables and the target of an earlier run; those of the command line win.
    pub fn load_project_as(&self, vars: Option<Map<String, Value>>, target: Option<&str>) -> Result<Project> {
        let mut options = self.load_options(&self.project_dir()?)?;
        if let Some(vars) = vars.filter(|_| self.global.vars.is_none()) {
            options.vars = vars;
        }
        options.target = options.target.or_else(|| target.map(str::to_owned));
        self.load_with(&options)
    }

    /// Reads the project without saying its warnings: for commands that change nothing, where they would only be noise.
    pub fn load_project_quietly(&self) -> Result<Project> {
        let project = millstream_project::load(&self.load_options(&self.project_dir()?)?)?;
        Ok(self.with_target_path(project))
    }

    /// `--target-path` stands for the project's own.
    fn with_target_path(&self, mut project: Project) -> Project {
        if let Some(path) = &self.global.target_path {
            // Joined with the project's folder later, which leaves an absolute path as it is.
            project.config.target_path = path.display().to_string();
        }
        project
    }

    /// Reads only where the project is built, so that a question can be asked while its models do not parse.
    pub fn load_target(&self) -> Result<Target> {
        millstream_project::load_target(&self.load_options(&self.project_dir()?)?)
    }

    /// How the project of a folder is read.
    pub fn load_options(&self, folder: &Path) -> Result<LoadOptions> {
        Ok(LoadOptions {
            project_dir: folder.to_path_buf(),
            profiles_dir: self.global.profiles_dir.clone(),
            profile: self.global.profile.clone(),
            target: self.global.target.clone(),
            vars: self.vars()?,
            env: self.env.clone(),
            threads: self.global.threads,
            now: self.clock.now(),
            invocation_id: self.ids.invocation_id(),
            cache: self.parse_cache(folder),
        })
    }

    /// Where readings are kept: beside the artefacts. dbt's variable switches it off as its flag does.
    fn parse_cache(&self, folder: &Path) -> Option<Arc<dyn ParseCache>> {
        let is_off = |text: &String| matches!(text.to_lowercase().as_str(), "0" | "false" | "f" | "no" | "n" | "off");
        let is_off = !self.global.partial_parse && self.env.get("DBT_PARTIAL_PARSE").is_some_and(is_off);
        let is_kept = !self.global.no_partial_parse && !is_off;
        let elsewhere = self.global.target_path.as_ref().map(|path| folder.join(path));
        is_kept.then(|| Arc::new(FileCache { elsewhere }) as _)
    }

    /// Reads the project of a folder.
    pub fn load_project_in(&self, folder: &Path) -> Result<Project> {
        self.load_with(&self.load_options(folder)?)
    }

    fn load_with(&self, options: &LoadOptions) -> Result<Project> {
        let project = self.with_target_path(millstream_project::load(options)?);
        self.talk.warnings(&project.warnings);
        Ok(project)
    }

    /// Bytes of memory that may be used.
    pub fn memory_limit_bytes(&self) -> usize {
        self.global.memory_limit.unwrap_or_else(memory::default_limit)
    }

    /// Opens the project's workspace; its folder is made when it is not there.
    pub fn open_workspace(&self, target: &Target) -> Result<Workspace> {
        self.open_workspace_with(target, self.memory_limit_bytes())
    }

    /// As [`Context::open_workspace`]; queries may use so much memory.
    pub fn open_workspace_with(&self, target: &Target, memory_limit_bytes: usize) -> Result<Workspace> {
        let path = target.path.clone();
        self.check_engine(target)?;
        let warehouse = EmbeddedWarehouse::open(
            path.join("warehouse"),
            EmbeddedOptions { clock: self.clock.clone(), memory_limit_bytes, ..EmbeddedOptions::default() },
        )?;
        let store = Store::open(&path.join("state.db"))?;
        Ok(Workspace { path, warehouse: Arc::new(warehouse), store: Arc::new(store) })
    }

    /// Refuses targets whose SQL nothing here runs.
    fn check_engine(&self, target: &Target) -> Result<()> {
        match (target.kind.as_str(), self.global.engine) {
            ("millstream", _) | ("snowflake" | "postgres" | "duckdb", Some(EngineChoice::Local)) => Ok(()),
            // The engine's own dialect is near theirs, and templates that ask for `target.type` get the answer that the
            // project was written for.
            (kind @ ("postgres" | "duckdb"), None) => Err(Error::usage(format!(
                "target '{}' is of type {kind}, and this build does not connect to {kind}",
                target.name
            ))
            .hint("add --engine local (or set MILLSTREAM_ENGINE=local): the embedded warehouse then runs its SQL")),
            ("snowflake", None) => Err(Error::usage(format!(
                "target '{}' is of type snowflake, and this build does not connect to Snowflake",
                target.name
            ))
            .hint("add --engine local (or set MILLSTREAM_ENGINE=local): the embedded warehouse then runs its SQL, without an account")),
            (kind, _) => Err(Error::usage(format!(
                "target '{}' is of type {kind}, which this version cannot build on",
                target.name
            ))
            .hint(
                "choose a target of type millstream with --target, or one of type snowflake, postgres or duckdb with --engine local",
            )),
        }
    }

    /// A runner over a project and its workspace.
    pub fn runner(&self, project: Arc<Project>, workspace: &Workspace, events: Arc<dyn Events>) -> Runner {
        Runner {
            target_dir: target_dir(&project),
            project,
            warehouse: workspace.warehouse.clone(),
            store: workspace.store.clone(),
            workspace: workspace.path.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            events,
            progress: Arc::new(self.talk.bar()),
        }
    }

    /// Throws the switch on Ctrl-C, so that the work ends cleanly.
    pub fn cancel_on_interrupt(&self, cancel: Cancel) {
        self.interrupt.handle_gracefully();
        let interrupt = self.interrupt.clone();
        tokio::spawn(async move {
            interrupt.asked().await;
            cancel.cancel();
        });
    }

    /// A command's arguments for the history and `run_results.json`. Nothing secret is among them.
    pub fn arguments(&self, which: &str, own: Vec<(&'static str, Value)>) -> Map<String, Value> {
        let mut arguments = Map::new();
        arguments.insert("which".into(), which.into());
        arguments.insert("target".into(), self.global.target.clone().into());
        arguments.insert("profile".into(), self.global.profile.clone().into());
        arguments.insert("threads".into(), self.global.threads.into());
        // Variables that cannot be read have failed the command before.
        arguments.insert("vars".into(), self.vars().unwrap_or_default().into());
        arguments.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
        arguments
    }

    fn vars(&self) -> Result<Map<String, Value>> {
        match &self.global.vars {
            Some(text) => mapping("--vars", text, "{calendar_start: \"2000-01-01\"}"),
            None => Ok(Map::new()),
        }
    }
}

/// The value of an option that takes a mapping as YAML or JSON.
pub fn mapping(option: &str, text: &str, example: &str) -> Result<Map<String, Value>> {
    let refused = || {
        Error::usage(format!("{option} is not a mapping of names to values"))
            .hint(format!("write it as YAML or JSON: {option} '{example}'"))
    };
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let value: Value = serde_saphyr::from_str(text).map_err(|error| refused().why(error))?;
    match value {
        Value::Object(vars) => Ok(vars),
        Value::Null => Ok(Map::new()),
        _ => Err(refused()),
    }
}

/// Where artefacts go.
pub fn target_dir(project: &Project) -> PathBuf {
    project.dir.join(&project.config.target_path)
}
