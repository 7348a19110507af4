//! What a burst does to the memory of `millstream up`: messages come as fast as the producer can send them, far faster than
//! models are refreshed, until all of them are visible.
//!
//! Bursts of different length come one after the other at the same process: were memory to follow the burst, the longer
//! one would show it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::history::built;
use super::mart::{COUNT, TABLE};
use super::processes::Running;
use super::settings::{number, numbers};
use super::side::Side;
use super::topic;
use crate::bench::broker::Broker;
use crate::bench::scene::Scene;

/// How long a burst may take to be visible.
const DRAIN_MAX: Duration = Duration::from_secs(3_600);

/// Measures each burst.
pub fn run(scene: &Scene) -> Result<(), String> {
    let (history, users) = (number("BURST_HISTORY", 1_000_000)?, number("USERS", 10_000)?);
    let project = built(scene, "live-burst-project", history, users)?;
    let registered = project.join("data/incoming");
    let broker = Broker::start(scene)?;
    let mut side: Box<dyn Side + '_> = Box::new(Engine::start(scene, &project, &broker.address, TABLE, COUNT)?);
    println!("bursts on {history} rows of history, {users} users; peaks are those of the engine's process so far");
    let mut sent = 0;
    for (number, messages) in numbers("BURSTS", &[1_000_000, 10_000_000])?.into_iter().enumerate() {
        let began = Instant::now();
        let mut producer = produce(scene, &broker, messages, number, &registered)?;
        while !producer.is_done()? {
            std::thread::sleep(Duration::from_millis(100));
        }
        let produced = began.elapsed();
        sent += messages;
        loop {
            let seen = side.visible()?;
            if seen == sent {
                break;
            }
            if seen > sent || began.elapsed() > DRAIN_MAX {
                return Err(format!("it shows {seen} transactions, {sent} were sent"));
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        let took = began.elapsed().as_secs_f64();
        println!(
            "  {messages:>10} messages, sent in {:.1} s: all visible after {took:.1} s ({:.0}/s), peak {:.0} MiB",
            produced.as_secs_f64(),
            messages as f64 / took,
            side.peak_mib()
        );
    }
    side.end()
}

/// Sends messages without a pause, each transaction once.
fn produce(scene: &Scene, broker: &Broker, messages: u64, seed: usize, users: &Path) -> Result<Running, String> {
    let (count, seed) = (messages.to_string(), (1_000 + seed).to_string());
    let mut command = Command::new(&scene.binary);
    command.args(["produce", "--brokers", &broker.address, "--topic", topic::NAME, "--unlimited"]);
    command.args(["--count", &count, "--seed", &seed, "--users-from"]).arg(users).current_dir(&scene.folder);
    Running::start(&mut command, &scene.folder.join("produce.log"), None)
}
