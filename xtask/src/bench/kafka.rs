//! `kafka`: a topic of 1 M messages into `raw` with contract checks, against a bare librdkafka consumer of that topic.
//!
//! Both sides read from the same running embedded broker; the consumer counts messages and does nothing else.

use std::process::Command;

use super::broker::Broker;
use super::measure::{compare, measure, median};
use super::scene::{RUNS, Scene, run as must};

/// Messages in the topic.
const MESSAGES: u64 = 1_000_000;

/// Runs the bench.
pub fn run(scene: &Scene) -> Result<(), String> {
    let built = scene.folder.join("bare_consumer");
    must(
        Command::new(env!("CARGO"))
            .args(["build", "--release", "--manifest-path"])
            .arg(scene.peers.join("bare_consumer/Cargo.toml"))
            .arg("--target-dir")
            .arg(&built),
    )?;
    let broker = Broker::start(scene)?;
    let address = broker.address.as_str();
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
    let bare = built.join("release/bare_consumer").to_string_lossy().into_owned();
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
