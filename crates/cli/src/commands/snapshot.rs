//! `millstream snapshot`.

use clap::Args;
use millstream_runner::Verb;

use super::nodes;
use crate::context::Context;
use crate::options::NodeOptions;
use crate::stop::Outcome;

const EXAMPLES: &str = "\
Examples:
  millstream snapshot
  millstream snapshot --select snap_users";

/// Record what has changed (slowly changing dimensions, type 2)
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SnapshotArgs {
    #[command(flatten)]
    nodes: NodeOptions,
}

/// Runs it.
pub async fn run(args: SnapshotArgs, context: &Context) -> Outcome {
    nodes::execute(Verb::Snapshot, &args.nodes, context).await
}
