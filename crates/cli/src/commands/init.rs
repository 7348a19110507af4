//! `millstream init`.

use std::path::PathBuf;

use clap::Args;

use crate::context::Context;
use crate::scaffold::{self, Scaffold};
use crate::stop::{Exit, Outcome};
use crate::talk::plural;

const EXAMPLES: &str = "\
Examples:
  millstream init shop && cd shop
  millstream init shop --empty";

/// Start a project: a copy of the finance project, or the bare layout
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct InitArgs {
    /// Folder to make; its name is the project's
    #[arg(value_name = "NAME")]
    name: PathBuf,
    /// Only the bare layout, without models
    #[arg(long)]
    empty: bool,
}

/// Runs it.
pub fn run(args: InitArgs, context: &Context) -> Outcome {
    let scaffold = if args.empty { Scaffold::Empty } else { Scaffold::Finance };
    let files = scaffold::write(scaffold, &args.name)?;
    let shown = args.name.display();
    context.talk.say("created", &format!("{shown}: {} written", plural(files as u64, "file")));
    let next = if args.empty {
        format!(
            "Next: cd {shown}, declare your sources in models/sources.yml, put files into data/incoming/, \
             then: millstream ingest && millstream build"
        )
    } else {
        format!(
            "Next: cd {shown} and put files into data/incoming/, or make some:\n  \
             millstream generate --year 2025 --month 6 --users 50 --transactions 500\n\
             then: millstream ingest && millstream build && millstream report"
        )
    };
    context.talk.say("next", &next);
    Ok(Exit::Success)
}
