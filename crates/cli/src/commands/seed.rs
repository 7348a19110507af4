//! `millstream seed`.

use clap::Args;
use millstream_runner::Verb;

use super::nodes;
use crate::context::Context;
use crate::options::NodeOptions;
use crate::stop::Outcome;

const EXAMPLES: &str = "\
Examples:
  millstream seed
  millstream seed --select currencies";

/// Load the project's CSV files (seeds)
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SeedArgs {
    #[command(flatten)]
    nodes: NodeOptions,
}

/// Runs it.
pub async fn run(args: SeedArgs, context: &Context) -> Outcome {
    nodes::execute(Verb::Seed, &args.nodes, context).await
}
