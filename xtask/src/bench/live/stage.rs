//! One rate on one side: messages are sent for so long, what the side shows is asked meanwhile, and ages are computed from
//! the topic and from the side's own curve when it is over.
//!
//! A side has fallen behind when it is more than [`BEHIND_MAX`] late while messages are sent (they end then), or when not
//! all is visible [`REST`] after the last. It is given time to work off what is left, so that the next run finds it idle.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::asks::{Ask, Asked, compare};
use super::curve::{Ages, ages, growing};
use super::memory;
use super::processes::Running;
use super::settings::number;
use super::side::Side;
use super::topic::{self, Topic};
use crate::bench::broker::Broker;
use crate::bench::scene::Scene;

/// After the last message, how long the last ones may take to be visible.
const REST: Duration = Duration::from_secs(15);

/// How late a side may be while messages are sent.
const BEHIND_MAX: Duration = Duration::from_secs(20);

/// How long a side may take to work off what it is behind, or to show its first messages.
const DRAIN_MAX: Duration = Duration::from_secs(900);

/// Messages a second, and seconds, of the run that nobody measures: a side's first messages cost what others do not.
const WARM_UP: (u64, u64) = (500, 10);

/// A broker with the topic, and how far it has been read.
pub struct Stage<'a> {
    scene: &'a Scene,
    broker: Broker,
    topic: Topic,
    runs: u64,
}

/// What came of a run.
pub struct Outcome {
    /// Messages a second that were asked for.
    pub rate: u64,
    /// Messages a second that were sent.
    pub sent: f64,
    /// Ages by the side's own curve; `None` when it fell behind.
    pub ages: Option<Ages>,
    /// Times at which the output grew.
    pub updates: usize,
    /// What the queries tell.
    pub asked: Asked,
    /// Largest memory of the side so far, in MiB.
    pub peak_mib: f64,
}

impl<'a> Stage<'a> {
    /// A fresh broker with an empty topic.
    pub fn set(scene: &'a Scene) -> Result<Self, String> {
        Ok(Self { scene, broker: Broker::start(scene)?, topic: Topic::default(), runs: 0 })
    }

    /// Where the broker listens.
    pub fn brokers(&self) -> &str {
        &self.broker.address
    }

    /// Largest memory of the broker so far, in MiB. It keeps all messages in memory.
    pub fn broker_mib(&self) -> f64 {
        memory::peak_mib(self.broker.id())
    }

    /// A short run that only has to be visible in the end.
    pub fn warm_up(&mut self, side: &mut dyn Side, users: &Path) -> Result<(), String> {
        let mut producer = self.produce(WARM_UP.0, WARM_UP.0 * WARM_UP.1, users)?;
        while !producer.is_done()? {
            std::thread::sleep(Duration::from_millis(100));
        }
        self.topic.read(self.scene, &self.broker.address)?;
        self.drain(side)?;
        side.points().map(|_| ())
    }

    /// Sends so many messages a second for so long.
    pub fn run(&mut self, side: &mut dyn Side, rate: u64, seconds: u64, users: &Path) -> Result<Outcome, String> {
        let (before, count) = (self.topic.count, rate * seconds);
        let pause = Duration::from_millis(number("POLL_MS", 1_000)?);
        let mut producer = self.produce(rate, count, users)?;
        let (began, mut ended) = (Instant::now(), None);
        let mut asks = Vec::new();
        let kept_up = loop {
            std::thread::sleep(pause);
            let asked = now();
            let seen = side.visible()?;
            asks.push(Ask { asked, answered: now(), seen });
            if ended.is_none() && producer.is_done()? {
                ended = Some(Instant::now());
            }
            match ended {
                Some(_) if seen >= before + count => break true,
                Some(ended) if ended.elapsed() > REST => break false,
                Some(_) => {}
                None => {
                    let late = began.elapsed().saturating_sub(BEHIND_MAX).as_secs_f64() * rate as f64;
                    if ((seen - before.min(seen)) as f64) < late {
                        producer.end()?;
                        break false;
                    }
                }
            }
        };
        let sent = self.topic.read(self.scene, &self.broker.address)?;
        self.drain(side)?;
        let shown = growing(side.points()?);
        let took = sent.last().zip(sent.first()).map_or(f64::NAN, |(last, first)| last.at - first.at);
        Ok(Outcome {
            rate,
            sent: (self.topic.count - before) as f64 / took,
            ages: if kept_up { ages(&sent, &shown, before) } else { None },
            updates: shown.len(),
            asked: compare(&asks, &sent, &shown, before),
            peak_mib: side.peak_mib(),
        })
    }

    /// Each run has a seed of its own, and so transactions of its own.
    fn produce(&mut self, rate: u64, count: u64, users: &Path) -> Result<Running, String> {
        self.runs += 1;
        let repeats = number("REPEATS", 10)? as f64 / 1000.0;
        let numbers = [rate.to_string(), count.to_string(), self.runs.to_string(), repeats.to_string()];
        let options = ["--rate", "--count", "--seed", "--duplicates"];
        let mut command = Command::new(&self.scene.binary);
        command.args(["produce", "--brokers", &self.broker.address, "--topic", topic::NAME]);
        command.args(options.iter().zip(&numbers).flat_map(|(option, number)| [*option, number.as_str()]));
        command.arg("--users-from").arg(users).current_dir(&self.scene.folder);
        Running::start(&mut command, &self.scene.folder.join("produce.log"), None)
    }

    /// Waits until the side shows every different message, and fails when it shows more or never gets there.
    fn drain(&self, side: &mut dyn Side) -> Result<(), String> {
        let began = Instant::now();
        loop {
            let (seen, all) = (side.visible()?, self.topic.count);
            if seen == all {
                return Ok(());
            }
            if seen > all || began.elapsed() > DRAIN_MAX {
                return Err(format!("it shows {seen} transactions, the topic has {all}"));
            }
            std::thread::sleep(Duration::from_millis(250));
        }
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
