//! `millstream build`.

use clap::Args;
use millstream_runner::Verb;

use super::nodes;
use crate::context::Context;
use crate::options::NodeOptions;
use crate::stop::Outcome;

const EXAMPLES: &str = "\
Examples:
  millstream build
  millstream build --select +fct_transactions tag:marts --exclude dim_dates
  millstream build --full-refresh --threads 8
  millstream build --vars '{fiscal_year_start_month: 4}'";

/// Build seeds, models and snapshots, each published only when its tests pass
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BuildArgs {
    #[command(flatten)]
    nodes: NodeOptions,
}

/// Runs it.
pub async fn run(args: BuildArgs, context: &Context) -> Outcome {
    nodes::execute(Verb::Build, &args.nodes, context).await
}
