//! `millstream test`.

use clap::Args;
use millstream_runner::Verb;

use super::nodes;
use crate::context::Context;
use crate::options::NodeOptions;
use crate::stop::Outcome;

const EXAMPLES: &str = "\
Examples:
  millstream test
  millstream test --select dim_users --store-failures";

/// Test what is published
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TestArgs {
    #[command(flatten)]
    nodes: NodeOptions,
}

/// Runs it.
pub async fn run(args: TestArgs, context: &Context) -> Outcome {
    nodes::execute(Verb::Test, &args.nodes, context).await
}
