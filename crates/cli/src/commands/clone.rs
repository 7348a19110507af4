//! `millstream clone`.

use std::sync::Arc;

use clap::Args;
use millstream_core::Error;
use millstream_project::Deferred;
use millstream_runner::Verb;

use super::nodes;
use crate::context::Context;
use crate::options::{NodeOptions, state};
use crate::stop::Outcome;

const EXAMPLES: &str = "\
Examples:
  millstream clone --state production/target --target dev
  millstream clone --state production/target --select tag:marts --full-refresh";

/// Make this target's models, seeds and snapshots from those of another run
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CloneArgs {
    #[command(flatten)]
    nodes: NodeOptions,
}

/// Runs it.
pub async fn run(args: CloneArgs, context: &Context) -> Outcome {
    let options = &args.nodes;
    let project = Arc::new(context.load_project()?);
    let folder = options.selection.state.as_deref().or(options.defer.defer_state.as_deref()).ok_or_else(|| {
        Error::usage("clone needs the artifacts of another run").hint("give their folder with --state DIR")
    })?;
    let relations = state::load(&project, folder)?.relations(&project)?;
    let mut request = nodes::request(Verb::Clone, options, &project, context)?;
    request.reading.deferred = Deferred { relations, ..Deferred::default() };
    nodes::carry_out(project, request, context).await
}
