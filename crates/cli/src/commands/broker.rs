//! `millstream broker`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::Args;

use crate::context::Context;
use crate::stop::Outcome;

const EXAMPLES: &str = "\
Examples:
  millstream broker
  millstream broker --listen 127.0.0.1:0 --topic transactions:3
  millstream broker --data-dir workspace/broker";

/// Run an embedded Kafka broker until Ctrl-C
///
/// It speaks the Kafka protocol, so that any client can use it. Its address is printed on standard output.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[cfg_attr(not(feature = "broker"), allow(dead_code))]
pub struct BrokerArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092", value_parser = address)]
    listen: SocketAddr,
    /// HOST:PORT that clients are told to connect to [default: the address that is listened on]
    #[arg(long, value_name = "HOST:PORT")]
    advertised: Option<String>,
    /// Topic to create, with its number of partitions; repeatable; others appear on first use
    #[arg(long = "topic", value_name = "NAME[:N]", default_value = "transactions:3", value_parser = topic)]
    topics: Vec<(String, u32)>,
    /// Folder to keep messages in [default: in memory, lost at the end]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().map_err(|_| "not HOST:PORT, or the host is not known".to_owned())?;
    found.into_iter().next().ok_or_else(|| "the host has no address".to_owned())
}

fn topic(text: &str) -> Result<(String, u32), String> {
    let (name, partitions) = match text.rsplit_once(':') {
        None => (text, 1),
        Some((name, partitions)) => {
            (name, partitions.parse().map_err(|_| "the number of partitions is not a number".to_owned())?)
        }
    };
    if name.is_empty() || partitions == 0 {
        return Err("write NAME or NAME:PARTITIONS, with at least 1 partition".to_owned());
    }
    Ok((name.to_owned(), partitions))
}

/// Runs it.
#[cfg(feature = "broker")]
pub async fn run(args: BrokerArgs, context: &Context) -> Outcome {
    use std::io::Write;

    use millstream_broker::{Broker, BrokerOptions, Topic};

    use crate::stop::Exit;

    let kept =
        args.data_dir.as_ref().map_or_else(|| "in memory".to_owned(), |folder| format!("kept in {}", folder.display()));
    context.interrupt.handle_gracefully();
    let broker = Broker::start(BrokerOptions {
        listen: args.listen,
        advertised: args.advertised,
        topics: args.topics.into_iter().map(|(name, partitions)| Topic { name, partitions }).collect(),
        data_dir: args.data_dir,
    })?;
    context.talk.say("listening", &format!("broker at {} (messages {kept}); Ctrl-C ends it", broker.bootstrap()));
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", broker.bootstrap())?;
    out.flush()?;
    drop(out);
    context.interrupt.asked().await;
    tokio::task::block_in_place(|| broker.shutdown())?;
    context.talk.say("stopped", "broker stopped");
    Ok(Exit::Success)
}

/// Says that this build has no broker.
#[cfg(not(feature = "broker"))]
pub async fn run(_args: BrokerArgs, _context: &Context) -> Outcome {
    Err(millstream_core::Error::usage("this build has no embedded broker")
        .hint("build with the feature 'broker', which is on by default")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_have_a_name_and_partitions() {
        assert_eq!(topic("transactions:3"), Ok(("transactions".to_owned(), 3)));
        assert_eq!(topic("transactions"), Ok(("transactions".to_owned(), 1)));
        for text in ["", ":3", "a:0", "a:b"] {
            assert!(topic(text).is_err(), "{text}");
        }
    }
}
