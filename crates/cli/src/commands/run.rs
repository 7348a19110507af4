//! `millstream run`.

use clap::Args;
use millstream_runner::Verb;

use super::nodes;
use crate::context::Context;
use crate::options::NodeOptions;
use crate::stop::Outcome;

const EXAMPLES: &str = "\
Examples:
  millstream run --select staging
  millstream run --full-refresh --select fct_daily_transactions+";

/// Build models without running their tests
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    #[command(flatten)]
    nodes: NodeOptions,
}

/// Runs it.
pub async fn run(args: RunArgs, context: &Context) -> Outcome {
    nodes::execute(Verb::Run, &args.nodes, context).await
}
