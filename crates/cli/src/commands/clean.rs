//! `millstream clean`.

use std::path::{Component, Path};

use clap::Args;
use millstream_core::Error;

use crate::context::Context;
use crate::stop::{Exit, Outcome};

/// Remove the project's clean-targets (target/); never the workspace
#[derive(Debug, Args)]
pub struct CleanArgs {}

/// Runs it.
pub fn run(_args: CleanArgs, context: &Context) -> Outcome {
    let project = context.load_project()?;
    // All are checked before the first is removed.
    for target in &project.config.clean_targets {
        check(&project.dir, target, &project.target.path)?;
    }
    for target in &project.config.clean_targets {
        let folder = project.dir.join(target);
        if !folder.exists() {
            continue;
        }
        std::fs::remove_dir_all(&folder)
            .map_err(|error| Error::environment(format!("{} cannot be removed", folder.display())).why(error))?;
        context.talk.say("removed", &format!("removed {target}/"));
    }
    Ok(Exit::Success)
}

/// Only folders below the project may be removed, and no data.
fn check(project: &Path, target: &str, workspace: &Path) -> Result<(), Error> {
    let relative = Path::new(target);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        && relative.components().any(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return Err(Error::user(format!("clean-targets names '{target}', which is not inside of the project"))
            .at(millstream_core::Place::file("dbt_project.yml"))
            .hint("name folders below the project folder only; nothing was removed"));
    }
    if workspace.starts_with(project.join(relative)) {
        return Err(Error::user(format!("clean-targets names '{target}', which holds the workspace"))
            .at(millstream_core::Place::file("dbt_project.yml"))
            .hint("the workspace is data; remove it by hand if you mean to; nothing was removed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_of_the_project_and_no_data_is_removed() {
        let (project, workspace) = (Path::new("/p"), Path::new("/p/data/workspace"));
        assert!(check(project, "target", workspace).is_ok());
        for bad in ["..", "../other", "/etc", ".", "", "data", "data/workspace"] {
            assert!(check(project, bad, workspace).is_err(), "{bad}");
        }
    }
}
