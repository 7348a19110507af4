//! `millstream parse`.

use clap::Args;
use millstream_core::Error;
use millstream_project::ResourceType;

use crate::context::{Context, target_dir};
use crate::output::Sink;
use crate::stop::{Exit, Outcome};
use crate::talk::plural;

/// Read the project, tell all its problems, and write target/manifest.json
#[derive(Debug, Args)]
pub struct ParseArgs {}

/// Runs it.
pub fn run(_args: ParseArgs, context: &Context) -> Outcome {
    let project = context.load_project()?;
    let folder = target_dir(&project);
    let path = folder.join("manifest.json");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Error::environment(format!("{} cannot be made", folder.display())).why(error))?;
    let mut sink = Sink::file(&path)?;
    let written = project.write_manifest(&mut sink).map_err(Error::from);
    sink.finish(written)?;
    let count = |kind| project.manifest.nodes.values().filter(|node| node.resource_type == kind).count() as u64;
    context.talk.say(
        "parsed",
        &format!(
            "{}, {}, {}, {}, {}: no errors; wrote {}",
            plural(count(ResourceType::Model), "model"),
            plural(count(ResourceType::Seed), "seed"),
            plural(count(ResourceType::Snapshot), "snapshot"),
            plural(count(ResourceType::Test), "test"),
            plural(project.manifest.sources.len() as u64, "source"),
            path.display()
        ),
    );
    Ok(Exit::Success)
}
