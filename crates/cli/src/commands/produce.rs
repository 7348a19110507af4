//! `millstream produce`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use millstream_core::Error;
use millstream_synth::{Pace, ProduceOptions, ProduceReport, UsersSource};

use crate::context::Context;
use crate::options::{Property, value};
use crate::stop::{Exit, Outcome};
use crate::talk::{count, plural, seconds};

/// Pace when none is given: the demo's.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  millstream produce --brokers localhost:9092 --topic transactions
  millstream produce --rate 100 --count 500 --users-from data/incoming --seed 1
  millstream produce --unlimited --count 1000000
  millstream produce --brokers kafka:9093 -X security.protocol=SASL_SSL -X sasl.mechanism=PLAIN \\
      -X sasl.username=me -X sasl.password=\"$KAFKA_PASSWORD\"";

/// Send streaming transactions to a Kafka topic
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ProduceArgs {
    /// Bootstrap servers, HOST:PORT[,HOST:PORT...]
    #[arg(long, value_name = "SERVERS", env = "MILLSTREAM_BROKERS", default_value = "localhost:9092", value_parser = value::brokers)]
    brokers: String,
    /// Topic to send to
    #[arg(long, default_value = "transactions")]
    topic: String,
    /// One message every so often [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = value::duration, group = "pace")]
    interval: Option<Duration>,
    /// So many messages a second
    #[arg(long, value_name = "N", value_parser = value::rate, group = "pace")]
    rate: Option<f64>,
    /// As fast as the broker takes them
    #[arg(long, group = "pace")]
    unlimited: bool,
    /// Stop after so many messages [default: go on until Ctrl-C]
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Folder whose newest user_registrations_YYYY_MM.csv gives the user ids [default: data/incoming of the project]
    #[arg(long, value_name = "DIR")]
    users_from: Option<PathBuf>,
    /// Same seed, same users, amounts and ids [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Share of messages that are sent a second time, as an at-least-once producer would
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = value::share)]
    duplicates: f64,
    /// Any librdkafka setting; repeatable; wins over ours
    #[arg(short = 'X', long = "property", value_name = "KEY=VALUE")]
    properties: Vec<Property>,
    /// How long to wait for the broker at the start
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = value::duration)]
    connect_timeout: Duration,
    /// How long to wait for outstanding messages at the end
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = value::duration)]
    flush_timeout: Duration,
}

/// Runs it.
pub async fn run(args: ProduceArgs, context: &Context) -> Outcome {
    let seed = args.seed.unwrap_or_else(|| context.clock.now().timestamp_micros().unsigned_abs());
    let pace = match (args.interval, args.rate) {
        _ if args.unlimited => Pace::Unlimited,
        (Some(interval), _) => Pace::Every(interval),
        (None, Some(rate)) => Pace::PerSecond(rate),
        (None, None) => Pace::Every(INTERVAL_DEFAULT),
    };
    let options = ProduceOptions {
        brokers: args.brokers.clone(),
        topic: args.topic.clone(),
        pace,
        count: args.count,
        users_from: args.users_from.or_else(|| users_folder(context)),
        seed,
        duplicates: args.duplicates,
        properties: Property::split_all(&args.properties)?,
        stop: context.interrupt.flag(),
        connect_timeout: args.connect_timeout,
        flush_timeout: args.flush_timeout,
    };
    context.interrupt.handle_gracefully();
    context.talk.say(
        "producing",
        &format!("producing to {} at {} (seed {seed}; Ctrl-C ends it and flushes)", args.topic, args.brokers),
    );
    let (bar, clock) = (context.talk.bar(), context.clock.clone());
    let report = tokio::task::spawn_blocking(move || millstream_synth::produce(&options, clock.as_ref(), &bar))
        .await
        .map_err(|error| Error::ours("the producer ended badly").why(error))??;
    Ok(tell(&report, context))
}

/// The default folder of users: that of the project we are in, or of the current folder.
fn users_folder(context: &Context) -> Option<PathBuf> {
    let project = context.project_dir().unwrap_or_default();
    Some(project.join("data/incoming")).filter(|folder| folder.is_dir())
}

fn tell(report: &ProduceReport, context: &Context) -> Exit {
    match &report.users {
        UsersSource::File { path, users } => {
            context.talk.say("users", &format!("user ids: {} from {}", count(*users), path.display()));
        }
        UsersSource::Random { users } => context.talk.warn(
            "random-users",
            &format!(
                "no user_registrations_YYYY_MM.csv was found: {} random user ids; batch and stream share no users \
                 (give a folder with --users-from)",
                count(*users)
            ),
        ),
    }
    context.talk.say(
        "produced",
        &format!(
            "{} sent ({} repeated), {} delivered, {} failed; {} bytes in {}",
            plural(report.sent, "message"),
            count(report.repeats),
            count(report.delivered),
            count(report.failed),
            count(report.bytes),
            seconds(report.elapsed)
        ),
    );
    if report.failed == 0 {
        return Exit::Success;
    }
    let why = report.first_failure.as_deref().unwrap_or("no answer from the broker");
    context.talk.failure("delivery-failed", &format!("{} not delivered: {why}", plural(report.failed, "message")));
    Exit::Failed
}
