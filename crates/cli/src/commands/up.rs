//! `millstream up`.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use millstream_core::{Clock, Error, Kind, SilentProgress};
use millstream_runner::Cancel;
use millstream_runner::live::{Board, RoundSummary, Schedules, UpRequest};
use millstream_server::Server;
use serde_json::json;
use tokio::sync::oneshot;

use super::ingest::override_kafka;
use super::maintain::check_retention;
use crate::alone::alone;
use crate::context::Context;
use crate::options::{KafkaOptions, OnGap, Property, value};
use crate::stop::{Exit, Outcome};
use crate::talk::{LiveLines, NodeLines};

const EXAMPLES: &str = "\
Examples:
  millstream up                                     until Ctrl-C or SIGTERM
  millstream up --brokers kafka:9092 --listen 0.0.0.0:9090 --log-format json
  millstream up --flush-ms 100 --poll-ms 500
  millstream up --once                              one round of everything, for another scheduler
  curl -s localhost:9090/readyz; curl -s localhost:9090/metrics";

/// Where HTTP is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listen {
    Off,
    At(SocketAddr),
}

impl FromStr for Listen {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            text => {
                text.parse().map(Self::At).map_err(|_| "write IP:PORT, for example 127.0.0.1:9090, or off".to_owned())
            }
        }
    }
}

/// Keep the marts fresh: follow topics, watch folders, refresh dynamic tables, run schedules
///
/// One long-running process. It loads what arrives, refreshes every dynamic_table within its target_lag, and runs what
/// schedules.yml says. Other commands work beside it. SIGTERM or Ctrl-C ends it cleanly, a second one at once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UpArgs {
    /// Sources to follow and watch [default: all that have a connector]
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    /// Do one round of everything and end
    #[arg(long)]
    once: bool,
    /// From a message's arrival to its commit, in milliseconds, at most
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    flush_ms: u64,
    /// How often folders are looked at, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    poll_ms: u64,
    /// How long work at hand may take after it was asked to end, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=3_600_000))]
    drain_timeout_ms: u64,
    /// How long past versions of tables stay readable, at least 1h
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = value::duration)]
    retention: Duration,
    /// Where /healthz, /readyz and /metrics are served, IP:PORT, or off
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    listen: Listen,
    #[command(flatten)]
    kafka: KafkaOptions,
}

/// Part of the memory limit that queries may take, as its divisor: beside them are indexes, rows on their way, and what
/// the engine does not count. `up` lives on a machine with others, so its limit is that of the process.
const QUERIES_PART: usize = 2;

/// Memory limit from which `up` stays below it, as measured with bursts (docs/benchmarks.md). With less it goes on in
/// smaller steps, but the process needs more than that in any case.
const KEPT_FROM_BYTES: usize = 1024 * 1024 * 1024;

/// Runs it.
pub async fn run(args: UpArgs, context: &Context) -> Outcome {
    check_retention(
        args.retention,
        "keep at least 1h; maintain --forget-history goes below it when nothing else runs",
    )?;
    let properties = Property::split_all(&args.kafka.properties)?;
    let mut project = context.load_project()?;
    override_kafka(&mut project, args.kafka.brokers.as_deref(), &properties);
    let project = Arc::new(project);
    let schedules = Schedules::read(&project.dir)?;
    let limit_bytes = context.memory_limit_bytes();
    if limit_bytes < KEPT_FROM_BYTES {
        context.talk.warn("memory-limit", &small_limit(limit_bytes));
    }
    let workspace = context.open_workspace_with(&project.target, limit_bytes / QUERIES_PART)?;
    let events = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
    let mut runner = context.runner(project, &workspace, events);
    // What goes on is told by events; bars would be in between the log's lines.
    runner.progress = Arc::new(SilentProgress);
    let lines = Arc::new(LiveLines::new(context.talk.clone(), context.clock.clone()));
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    let board = Arc::new(Board::default());
    let request = UpRequest {
        sources: args.sources,
        skip_gaps: args.kafka.on_gap == OnGap::Skip,
        flush: Duration::from_millis(args.flush_ms),
        poll: Duration::from_millis(args.poll_ms),
        drain: Duration::from_millis(args.drain_timeout_ms),
        retention: args.retention,
        memory_limit_bytes: u64::try_from(limit_bytes).unwrap_or(u64::MAX),
        schedules,
        board: board.clone(),
        listener: lines.clone(),
        cancel,
    };
    if args.once {
        return exit(&runner.up_once(&request).await?);
    }
    // What stands in the way is told before anybody is told that it is there.
    let up = runner.prepare_up(&request)?;
    let serving = match args.listen {
        Listen::Off => None,
        Listen::At(address) => {
            let (address, serving) = serve(address, board, context.clock.clone()).await?;
            lines.say("listening", &format!("listening on http://{address}"), json!({"address": address.to_string()}));
            Some(serving)
        }
    };
    let ended = up.run().await;
    drop(serving);
    ended?;
    lines.say("down", "ended", json!({}));
    Ok(Exit::Success)
}

/// Serves health and metrics until the second value is dropped, on a thread of its own: whoever asks is answered whatever
/// keeps the others busy.
async fn serve(
    address: SocketAddr,
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
) -> millstream_core::Result<(SocketAddr, oneshot::Sender<()>)> {
    let failed = |error: &dyn std::fmt::Display| Error::environment("health and metrics cannot be served").why(error);
    let (tell, bound) = oneshot::channel();
    let (serving, ended) = oneshot::channel::<()>();
    let work = async move {
        let server = match Server::bind(address).await {
            Ok(server) => server,
            Err(error) => return drop(tell.send(Err(error))),
        };
        // Who asked has gone when the program ends meanwhile.
        let _ = tell.send(Ok(server.address()));
        tokio::select! {
            () = server.serve(board, clock) => {}
            _ = ended => {}
        }
    };
    alone("http", work).map_err(|error| failed(&error))?;
    Ok((bound.await.map_err(|error| failed(&error))??, serving))
}

/// What somebody who gave a small limit (or a small machine) must know, since the system may end the process for it.
fn small_limit(bytes: usize) -> String {
    let mebibytes = (bytes / (1024 * 1024)).max(1);
    format!(
        "the memory limit of {mebibytes} MiB is less than the process needs when much comes at once: it will spill and \
         go on in small steps, but may have some 750 MiB; from --memory-limit 1GiB on it stays below the limit"
    )
}

/// The first error of the machine or a service wins over the user's data, because it says that the round is not complete.
fn exit(summary: &RoundSummary) -> Outcome {
    let sources = summary.ingest.iter().flat_map(|ingest| &ingest.sources);
    let away = sources.filter_map(|source| source.error.as_ref());
    if let Some(error) = away.into_iter().find(|error| error.kind().exit_code() == Kind::Environment.exit_code()) {
        return Err(Error::new(error.kind(), "not every source could be loaded")
            .hint("see the errors above; what was loaded stays, and the next round goes on from there")
            .into());
    }
    if summary.cancelled {
        return Ok(Exit::Interrupted);
    }
    Ok(if summary.is_success() { Exit::Success } else { Exit::Failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ip_and_a_port_or_off() {
        assert_eq!("off".parse(), Ok(Listen::Off));
        assert_eq!("0.0.0.0:1".parse(), Ok(Listen::At(([0, 0, 0, 0], 1).into())));
        assert!("9090".parse::<Listen>().is_err() && "localhost".parse::<Listen>().is_err());
    }
}
