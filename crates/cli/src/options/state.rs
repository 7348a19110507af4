//! Artifacts of another run, and what is read of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use millstream_core::{Error, Result};
use millstream_project::{Deferred, Project, State};

/// Nodes of another run in place of those that are not built here.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Other runs")]
pub struct DeferOptions {
    /// Read what is not built in this target where the run of --state built it
    #[arg(long, env = "DBT_DEFER", hide_env = true, overrides_with = "no_defer")]
    pub defer: bool,

    /// Do not
    #[arg(long, hide = true, overrides_with = "defer")]
    pub no_defer: bool,

    /// Read nodes that are not selected there even if they are built here
    #[arg(long, env = "DBT_FAVOR_STATE", hide_env = true, overrides_with = "no_favor_state")]
    pub favor_state: bool,

    /// Do not
    #[arg(long, hide = true, overrides_with = "favor_state")]
    pub no_favor_state: bool,

    /// Folder of the manifest to defer to [default: that of --state]
    #[arg(long, value_name = "DIR", env = "DBT_DEFER_STATE", hide_env = true)]
    pub defer_state: Option<PathBuf>,
}

impl DeferOptions {
    /// Where nodes are read that are not built here; nothing without `--defer`.
    pub fn deferred<'a>(
        &self,
        project: &Project,
        state: Option<&Path>,
        selected: impl IntoIterator<Item = &'a String>,
    ) -> Result<Deferred> {
        if !self.defer {
            return Ok(Deferred::default());
        }
        let folder = self.defer_state.as_deref().or(state).ok_or_else(|| {
            Error::usage("--defer needs the artifacts of another run").hint("give their folder with --state DIR")
        })?;
        Ok(Deferred {
            relations: load(project, folder)?.relations(project)?,
            is_favored: self.favor_state,
            selected: selected.into_iter().cloned().collect(),
        })
    }
}

/// The artifacts in a folder, which stands below the current folder or the project's.
pub fn load(project: &Project, folder: &Path) -> Result<Arc<State>> {
    let found = if folder.is_dir() { folder.to_path_buf() } else { project.dir.join(folder) };
    if !found.is_dir() {
        return Err(Error::usage(format!("there is no folder {}", folder.display()))
            .hint("--state wants a folder with a manifest.json: a copy of another run's target/"));
    }
    let own = project.dir.join(&project.config.target_path);
    Ok(Arc::new(State {
        folder: folder.display().to_string(),
        manifest: read(&found.join("manifest.json"))?,
        run_results: read(&found.join("run_results.json"))?,
        sources: read(&found.join("sources.json"))?,
        sources_now: read(&own.join("sources.json"))?,
    }))
}

/// A JSON file; none when it is not there.
pub fn read(path: &Path) -> Result<Option<serde_json::Value>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Error::environment(format!("{} cannot be read", path.display())).why(error));
        }
    };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        Error::usage(format!("{} is not an artifact", path.display()))
            .why(error)
            .hint("it was cut off or changed; make it anew with a run")
    })
}
