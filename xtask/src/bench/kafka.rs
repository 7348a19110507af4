//! `kafka`: a topic of 1 M messages into `raw` with contract checks, against a bare librdkafka consumer of that topic.
//!
//! Both sides read from the same running embedded broker; the consumer counts messages and does nothing else.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::measure::{compare, measure, median};
use super::scene::{RUNS, Scene, run as must};

/// Messages in the topic.
const MESSAGES: u64 = 1_000_000;

/// Runs the bench.
pub fn run(scene: &Scene) -> Result<(), String> {
    must(
        Command::new(env!("CARGO"))
            .args(["build", "--release", "--package", "millstream-ingest", "--example", "bare_consumer"])
            .current_dir(&scene.root),
    )?;
    let mut broker = Broker::start(scene)?;
    let outcome = with_broker(scene, &broker.address);
    broker.stop();
    outcome
}

fn with_broker(scene: &Scene, address: &str) -> Result<(), String> {
    let count = MESSAGES.to_string();
    let produced = measure(
        scene,
        &scene.folder,
        &[
            &scene.binary,
            "produce",
            "--brokers",
            address,
            "--topic",
            "transactions",
            "--count",
            &count,
            "--rate",
            "1000000",
            "--seed",
            "1",
        ],
    )?;
    println!("produced {MESSAGES} messages in {:.2} s ({:.0}/s)", produced.seconds, MESSAGES as f64 / produced.seconds);
    let bare = scene.binary.replace("release/millstream", "release/examples/bare_consumer");
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let project = scene.project("kafka-project")?;
        ours.push(measure(
            scene,
            &project,
            &[&scene.binary, "ingest", "transactions_streaming", "--brokers", address],
        )?);
        peer.push(measure(scene, &scene.folder, &[&bare, address, "transactions", &count])?);
    }
    let (ours, peer) = (median(ours), median(peer));
    compare(
        &format!("ingest {MESSAGES} Kafka messages, every contract rule checked"),
        ours,
        "bare librdkafka consumer",
        peer,
    );
    println!(
        "  millstream: {:.0} messages/s, bare consumer: {:.0} messages/s",
        MESSAGES as f64 / ours.seconds,
        MESSAGES as f64 / peer.seconds
    );
    Ok(())
}

/// The embedded broker in its own process.
struct Broker {
    child: Child,
    address: String,
}

impl Broker {
    /// Starts it on a free port and waits until it says where it listens.
    fn start(scene: &Scene) -> Result<Self, String> {
        let mut child = Command::new(&scene.binary)
            .args(["broker", "--listen", "127.0.0.1:0", "--topic", "transactions:3"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("millstream broker: {error}"))?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(|error| error.to_string())?;
        }
        let address =
            line.split_whitespace().find(|word| word.starts_with("127.0.0.1:")).unwrap_or_default().to_owned();
        if address.is_empty() {
            let _ = child.kill();
            return Err(format!("millstream broker did not say where it listens, it said: {line}"));
        }
        Ok(Self { child, address })
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
