//! `millstream produce`: a Kafka producer of made-up streaming transactions.
//!
//! Guarantees: idempotent and acks=all unless the user's settings say otherwise; a message counts as delivered only when
//! the broker acknowledged it; whatever ends the run (count, stop flag, a failed delivery), what is queued is flushed
//! first and `sent = delivered + failed`.
//!
//! Deliberately not done: transactions. Messages are keyed by `tx_id`, and who reads them deduplicates by it.

mod client;
mod message;
mod pace;
mod users;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use millstream_core::{Clock, Error, Progress, Result};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};

pub use pace::Pace;
pub use users::{MAX_MESSAGE_USERS, RANDOM_USERS, UsersSource};

use crate::spread::MILLION;
use client::{Context, Deliveries};
use message::{Message, Messages};

/// Messages made between two looks at the clock and the stop flag.
const BURST: u64 = 1_000;
/// Repeats that wait at most; the oldest is sent when there are more.
const REPEATS_WAITING: usize = 100;

/// What to produce. Not `Debug`: the properties may hold secrets.
#[derive(Clone)]
pub struct ProduceOptions {
    /// Bootstrap servers, `host:port[,host:port…]`.
    pub brokers: String,
    /// Topic; created by the broker on first use where it allows that.
    pub topic: String,
    /// How fast.
    pub pace: Pace,
    /// Stop after so many messages (repeats come on top); `None` goes on until `stop`.
    pub count: Option<u64>,
    /// Folder with `user_registrations_YYYY_MM.csv` files (also .gz, .zst); user ids come from the newest month.
    pub users_from: Option<PathBuf>,
    /// Same seed, users and clock: same messages. A second run with the same seed sends the same `tx_id`s again.
    pub seed: u64,
    /// Share (0 to 1) of messages that are sent a second time, as an at-least-once producer would.
    pub duplicates: f64,
    /// librdkafka settings, which win over ours (`-X key=value`).
    pub properties: Vec<(String, String)>,
    /// Set to true (by Ctrl-C) to stop: what is queued is flushed, then the report is returned.
    pub stop: Arc<AtomicBool>,
    /// How long to wait for a broker at the start.
    pub connect_timeout: Duration,
    /// How long the flush at the end may take; what is unacknowledged then counts as failed.
    pub flush_timeout: Duration,
}

impl ProduceOptions {
    /// Default of `connect_timeout`: 10 s.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// Default of `flush_timeout`: 30 s.
    pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);
}

/// What was produced. `sent = delivered + failed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProduceReport {
    /// Messages handed to the client (repeats included).
    pub sent: u64,
    /// Messages that the broker acknowledged.
    pub delivered: u64,
    /// Messages that failed or were still unacknowledged when the flush timed out. Not 0: the command fails.
    pub failed: u64,
    /// The first delivery failure, in words. The run stops at it.
    pub first_failure: Option<String>,
    /// How many of `sent` were repeats of an earlier message.
    pub repeats: u64,
    /// Bytes of keys and values delivered, uncompressed.
    pub bytes: u64,
    /// From the first message to the end of the flush.
    pub elapsed: Duration,
    /// Where the user ids came from.
    pub users: UsersSource,
}

/// Sends messages until `count` or `stop`, then flushes. Blocks: call it on a thread of its own.
///
/// # Errors
/// Kind `usage` for options or properties that are out of range or unknown, `user` for a user file that cannot be
/// read, `external` when no broker answers within `connect_timeout`. Delivery failures are no error: they are counted.
pub fn produce(options: &ProduceOptions, clock: &dyn Clock, progress: &dyn Progress) -> Result<ProduceReport> {
    options.pace.check()?;
    if options.topic.is_empty() {
        return Err(Error::usage("the topic has no name").hint("give --topic"));
    }
    if !(0.0..=1.0).contains(&options.duplicates) {
        return Err(Error::usage(format!("the share of duplicates {} is not a share", options.duplicates))
            .hint("give a number from 0 to 1"));
    }
    let deliveries = Arc::new(Deliveries::default());
    let producer = client::create(options, Arc::clone(&deliveries))?;
    let (ids, users) = users::load(options.users_from.as_deref(), options.seed, progress)?;
    client::connect(&producer, options, &deliveries)?;

    progress.start(&format!("messages to {}", options.topic), options.count, "messages");
    let started = Instant::now();
    let mut run = Run { options, producer, deliveries, sent: 0, repeats: 0 };
    let outcome = run.send_all(Messages::new(options.seed, ids), clock, progress, started);
    run.flush(progress);
    progress.finish();
    outcome?;
    let delivered = run.deliveries.delivered.load(Ordering::SeqCst);
    let failed = run.sent - delivered;
    Ok(ProduceReport {
        sent: run.sent,
        delivered,
        failed,
        first_failure: run
            .deliveries
            .first_failure()
            .or_else(|| (failed > 0).then(|| format!("not acknowledged within {} s", options.flush_timeout.as_secs()))),
        repeats: run.repeats,
        bytes: run.deliveries.bytes.load(Ordering::SeqCst),
        elapsed: started.elapsed(),
        users,
    })
}

struct Run<'a> {
    options: &'a ProduceOptions,
    producer: ThreadedProducer<Context>,
    deliveries: Arc<Deliveries>,
    sent: u64,
    repeats: u64,
}

impl Run<'_> {
    /// Whether to go on: nobody has stopped us and every delivery so far went well.
    fn going(&self) -> bool {
        !self.options.stop.load(Ordering::Relaxed) && self.deliveries.failed.load(Ordering::Relaxed) == 0
    }

    fn send_all(
        &mut self,
        mut messages: Messages,
        clock: &dyn Clock,
        progress: &dyn Progress,
        started: Instant,
    ) -> Result<()> {
        let repeated = (self.options.duplicates * MILLION as f64).round() as u64;
        let total = self.options.count.unwrap_or(u64::MAX);
        let mut waiting = std::collections::VecDeque::new();
        let mut message = Message::default();
        let mut made = 0;
        while made < total && self.going() {
            let due = self.options.pace.due(started.elapsed()).min(total).min(made + BURST);
            while made < due {
                messages.next(clock.now(), &mut message);
                if !self.send(&message)? {
                    return Ok(());
                }
                made += 1;
                if repeated > 0 && messages.chance(repeated) {
                    waiting.push_back(message.clone());
                }
                if waiting.len() > REPEATS_WAITING {
                    self.repeat(&mut waiting)?;
                }
            }
            progress.set(self.deliveries.delivered.load(Ordering::Relaxed));
            if made < total && self.options.pace.due(started.elapsed()) <= made {
                thread::sleep(Pace::TICK);
            }
        }
        while !waiting.is_empty() && self.going() {
            self.repeat(&mut waiting)?;
        }
        Ok(())
    }

    fn repeat(&mut self, waiting: &mut std::collections::VecDeque<Message>) -> Result<()> {
        if let Some(message) = waiting.pop_front() {
            self.repeats += u64::from(self.send(&message)?);
        }
        Ok(())
    }

    /// Hands a message to the client, waiting while its queue is full; false when the run was stopped meanwhile.
    fn send(&mut self, message: &Message) -> Result<bool> {
        let mut record = BaseRecord::to(&self.options.topic)
            .key(message.key.as_slice())
            .payload(message.value.as_slice())
            .timestamp(message.timestamp_ms);
        loop {
            match self.producer.send(record) {
                Ok(()) => {
                    self.sent += 1;
                    return Ok(true);
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) if self.going() => {
                    record = back;
                    thread::sleep(Duration::from_millis(1));
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => return Ok(false),
                // The client has given up for good (as an idempotent producer may): deliveries tell why.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::Fatal), _)) if !self.going() => return Ok(false),
                Err((error, _)) => {
                    return Err(Error::external(format!("topic {} takes no messages", self.options.topic)).why(error));
                }
            }
        }
    }

    /// Waits until every message was acknowledged or has failed.
    fn flush(&self, progress: &dyn Progress) {
        let deadline = Instant::now() + self.options.flush_timeout;
        while self.producer.in_flight_count() > 0 && Instant::now() < deadline {
            // In slices, so that the progress moves. A timeout is no error here: the loop looks again.
            let _ = self.producer.flush(Duration::from_millis(100));
            progress.set(self.deliveries.delivered.load(Ordering::Relaxed));
        }
        progress.set(self.deliveries.delivered.load(Ordering::SeqCst));
    }
}
