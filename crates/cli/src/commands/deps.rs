//! `millstream deps`.

use clap::Args;
use millstream_core::Error;
use millstream_project::read_package_folder;

use crate::context::Context;
use crate::deps::{self, AddSource, Fetcher, LOCK_FILE, Lock};
use crate::stop::{Exit, Outcome};
use crate::talk::plural;

/// Install the packages that packages.yml or dependencies.yml declares
#[derive(Debug, Args)]
pub struct DepsArgs {
    /// Resolve anew and write package-lock.yml, also when nothing was declared anew
    #[arg(long)]
    pub upgrade: bool,

    /// Write package-lock.yml and install nothing
    #[arg(long)]
    pub lock: bool,

    /// Add a package to packages.yml first: dbt-labs/dbt_utils@1.3.0, a git address, a folder
    #[arg(long, value_name = "NAME[@VERSION]")]
    pub add_package: Option<String>,

    /// Where the package that is added comes from: hub, git, local
    #[arg(long, value_name = "SOURCE", default_value = "hub", hide_possible_values = true)]
    pub source: AddSource,
}

/// Runs it.
pub async fn run(args: DepsArgs, context: &Context) -> Outcome {
    let project = context.project_dir()?;
    let project = project
        .canonicalize()
        .map_err(|error| Error::environment(format!("{} cannot be read", project.display())).why(error))?;
    let options = context.load_options(&project)?;
    let mut root = read_package_folder(&project, &project, &options)?;
    if let Some(wanted) = &args.add_package {
        let file = deps::add_package(&project, &root, wanted, args.source, &options)?;
        context.talk.say("added", &format!("added {wanted} to {file}"));
        root = read_package_folder(&project, &project, &options)?;
    }
    if root.packages.is_empty() {
        context
            .talk
            .say("nothing-declared", "no packages are declared: neither packages.yml nor dependencies.yml has any");
        return Ok(Exit::Success);
    }
    let scratch = Scratch::new(&project)?;
    let hub = context.env.get("DBT_PACKAGE_HUB_URL").map_or(deps::HUB, String::as_str);
    let fetcher = Fetcher {
        project: project.clone(),
        scratch: scratch.0.clone(),
        hub: format!("{}/", hub.trim_end_matches('/')),
    };

    let hash = deps::hash(&root.packages.iter().map(|package| package.hashed.clone()).collect::<Vec<_>>());
    // A lock that cannot be read is no reason to stop when it is to be written anew.
    let known = if args.upgrade { None } else { Lock::read(&project, &options)? };
    let lock = match known.filter(|lock| lock.hash == hash) {
        Some(lock) => lock,
        None => {
            let warn = |text: String| context.talk.warn("unpinned-package", &text);
            let packages = deps::resolve(&root, &fetcher, &options, &warn).await?;
            let lock = Lock { packages, hash };
            lock.write(&project)?;
            context.talk.say("locked", &format!("wrote {LOCK_FILE}"));
            lock
        }
    };
    if args.lock {
        return Ok(Exit::Success);
    }
    let told = |package: &deps::Pinned| {
        context.talk.say("installed", &format!("installed {} from {}", package.name, deps::describe(&package.source)));
    };
    deps::install(&lock.packages, &fetcher, &root.install_path, &told).await?;
    let count = plural(lock.packages.len() as u64, "package");
    context.talk.say("done", &format!("{count} in {}/", root.install_path));
    Ok(Exit::Success)
}

/// A folder for clones and downloads beside the project, so that what is in it can be renamed into place; gone at the end.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(project: &std::path::Path) -> Result<Self, Error> {
        let folder = project.join(".millstream-deps");
        // What a run that was killed left there may be half a clone.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)
            .map_err(|error| Error::environment(format!("{} cannot be made", folder.display())).why(error))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
