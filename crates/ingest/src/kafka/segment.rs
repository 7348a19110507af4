//! One segment: messages read and decoded up to the next commit.
//!
//! The thread that polls the client copies messages into batches; `threads` workers decode them. The poller never
//! decodes, because the client delivers on one thread only.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use millstream_core::limits::BATCH_ROWS;
use millstream_core::{Error, Result};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Message as _, TopicPartitionList};

use super::client::{self, MillConsumer};
use super::reading::Reading;
use super::worker::{self, Batch, Done, Worker};
use super::{FlushFlag, HoldFlag, StopFlag};
use crate::blocking::Work;
use crate::contract::KafkaSource;

/// How long one poll waits, and so how late a stop is seen.
const POLL_TIMEOUT: Duration = Duration::from_millis(50);

/// The same while messages wait to be committed, and so how late it is seen that somebody asks for that.
const POLL_TIMEOUT_WITH_ROWS: Duration = Duration::from_millis(5);

/// While following, a segment without a message ends after at least this long, so that new partitions and errors are
/// seen; beginning a segment costs two looks at the tables.
const IDLE_SEGMENT: Duration = Duration::from_secs(1);

/// Bytes after which a batch is given to a worker even if it has few messages.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Batches that wait for a worker, for each of them.
const QUEUED_BATCHES_PER_THREAD: usize = 2;

/// Held, how often the broker is asked where partitions end: what is paused is not fetched, and only fetching tells.
const ENDS_INTERVAL: Duration = Duration::from_secs(3);

/// How long that may take in all, and so how late it is seen meanwhile that reading may go on.
const ENDS_MAX: Duration = Duration::from_millis(250);

/// A broker that is silent for this long while messages are due is an error.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// When a segment ends.
pub(crate) struct Limits {
    pub(crate) rows_max: u64,
    /// Since its first message (without one it ends by itself now and then); none to read until drained.
    pub(crate) flush: Option<Duration>,
    pub(crate) asked: FlushFlag,
    pub(crate) hold: HoldFlag,
    pub(crate) stop: StopFlag,
}

impl Limits {
    /// Time that is left to a segment with so many messages; none when it has no limit.
    fn left(&self, rows: u64, since: Instant) -> Option<Duration> {
        let flush = self.flush?;
        if rows > 0 && self.asked.is_asked() {
            return Some(Duration::ZERO);
        }
        let limit = if rows == 0 { flush.max(IDLE_SEGMENT) } else { flush };
        Some(limit.saturating_sub(since.elapsed()))
    }
}

/// Why a segment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Drained.
    Drained,
    /// Full, or time to flush.
    Limit,
    /// Asked to stop.
    Stopped,
    /// The broker does not have the next offset of a partition.
    OutOfRange,
    /// The message that was loaded last of this partition is not the one that stands in its place: the topic is another.
    Replaced(i32),
}

/// What a segment read.
pub(crate) struct Segment {
    pub(crate) ended: Ended,
    pub(crate) done: Done,
}

/// What reads segments; moves between the asynchronous side and working threads.
pub(crate) struct Reader {
    pub(crate) consumer: MillConsumer,
    pub(crate) source: KafkaSource,
    pub(crate) partitions: BTreeMap<i32, Reading>,
    /// Whether the partitions are paused, because it was asked to wait.
    pub(crate) is_paused: bool,
    /// When the broker was asked last where paused partitions end, and which was asked last.
    pub(crate) asked_ends: Option<(Instant, i32)>,
}

impl Reader {
    /// Reads a segment. `worker` makes the workers' states; `work` counts the messages.
    pub(crate) fn read(
        &mut self,
        limits: &Limits,
        threads: usize,
        worker: impl Fn() -> Worker + Sync,
        work: &Work,
    ) -> Result<Segment> {
        let threads = threads.max(1);
        let (batches_in, batches_out) = sync_channel::<Batch>(threads * QUEUED_BATCHES_PER_THREAD);
        let (spares_in, spares_out) = channel::<Batch>();
        let batches_out = Arc::new(Mutex::new(batches_out));
        let (ended, worked) = std::thread::scope(|scope| {
            let worker = &worker;
            let handles: Vec<_> = (0..threads)
                .map(|_| {
                    // The workers own the receiver together, so that the poller sees when all of them have failed.
                    let (batches, spares) = (batches_out.clone(), spares_in.clone());
                    scope.spawn(move || run(worker, &batches, &spares))
                })
                .collect();
            drop((batches_out, spares_in));
            let ended = self.poll(limits, batches_in, &spares_out, work);
            let worked: Vec<Result<Done>> = handles
                .into_iter()
                .map(|handle| handle.join().unwrap_or_else(|_| Err(Error::ours("a decoding thread panicked"))))
                .collect();
            (ended, worked)
        });
        let mut done = Done::default();
        for worked in worked {
            done.add(worked?);
        }
        Ok(Segment { ended: ended?, done })
    }

    fn poll(
        &mut self,
        limits: &Limits,
        batches: SyncSender<Batch>,
        spares: &Receiver<Batch>,
        work: &Work,
    ) -> Result<Ended> {
        let mut batch = Batch::default();
        let mut rows = 0u64;
        let mut flush_from = Instant::now();
        let mut silent = Duration::ZERO;
        let mut due = self.partitions.values().filter(|reading| !reading.is_drained()).count();
        let draining = limits.flush.is_none();
        let ended = loop {
            if draining && due == 0 {
                break Ended::Drained;
            }
            if rows >= limits.rows_max {
                break Ended::Limit;
            }
            // Asking the clock for every message would cost as much as decoding it.
            if rows.is_multiple_of(256) || batch.len() == 0 {
                work.check()?;
                if limits.stop.is_stopped() {
                    break Ended::Stopped;
                }
                if limits.left(rows, flush_from).is_some_and(|left| left.is_zero()) {
                    break Ended::Limit;
                }
                let is_held = !draining && limits.hold.is_held();
                if is_held && rows > 0 {
                    break Ended::Limit;
                }
                self.set_paused(is_held);
                if is_held {
                    self.ask_ends();
                }
            }
            // Waiting costs the client a look at the clock for each message, so that it waits only when nothing is there.
            let polled = self.consumer.poll(Duration::ZERO);
            let wait = || limits.left(rows, flush_from).map_or(POLL_TIMEOUT, |left| left.min(longest(rows)));
            match polled.or_else(|| self.consumer.poll(wait())) {
                None => {
                    if limits.stop.is_stopped() {
                        break Ended::Stopped;
                    }
                    if limits.left(rows, flush_from).is_some_and(|left| left.is_zero()) {
                        break Ended::Limit;
                    }
                    silent += longest(rows);
                    if draining && silent >= STALL_TIMEOUT {
                        let silent = KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut);
                        return Err(client::unreachable_error(&self.consumer, &self.source, &silent));
                    }
                }
                Some(Ok(message)) => {
                    silent = Duration::ZERO;
                    let Some(reading) = self.partitions.get_mut(&message.partition()) else { continue };
                    if reading.is_another(message.offset(), || worker::timestamp(&message)) {
                        break Ended::Replaced(message.partition());
                    }
                    let was_drained = reading.is_drained();
                    let is_due = reading.message(message.offset());
                    if !was_drained && reading.is_drained() {
                        due -= 1;
                        pause(&self.consumer, &self.source, message.partition());
                    }
                    if !is_due {
                        continue;
                    }
                    if rows == 0 {
                        flush_from = Instant::now();
                        limits.asked.rows(true);
                    }
                    batch.push(&message);
                    rows += 1;
                    if batch.len() >= BATCH_ROWS || batch.bytes() >= BATCH_BYTES_MAX {
                        work.add(batch.len() as u64);
                        let spare = spares.try_recv().unwrap_or_default();
                        if batches.send(std::mem::replace(&mut batch, spare)).is_err() {
                            // The workers' errors are told when they are joined.
                            return Ok(Ended::Stopped);
                        }
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    silent = Duration::ZERO;
                    let told = self.consumer.context().take_end();
                    if let Some(reading) = self.partitions.get_mut(&partition) {
                        let was_drained = reading.is_drained();
                        reading.end_reached(told);
                        due -= usize::from(!was_drained && reading.is_drained());
                    }
                }
                Some(Err(error)) => match weigh(&error) {
                    Weight::OutOfRange => break Ended::OutOfRange,
                    Weight::Passing => tracing::debug!(%error, "Kafka"),
                    Weight::Final => return Err(client::unreachable_error(&self.consumer, &self.source, &error)),
                },
            }
        };
        if rows > 0 {
            limits.asked.answer();
        }
        if batch.len() > 0 {
            work.add(batch.len() as u64);
            // As above.
            let _ = batches.send(batch);
        }
        Ok(ended)
    }
}

impl Reader {
    /// Pauses all partitions, or lets them go on. Where that fails, messages come and are read.
    pub(crate) fn set_paused(&mut self, is_paused: bool) {
        if self.is_paused == is_paused {
            return;
        }
        let mut list = TopicPartitionList::new();
        for partition in self.partitions.keys() {
            list.add_partition(&self.source.topic, *partition);
        }
        let done = if is_paused { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        match done {
            Ok(()) => self.is_paused = is_paused,
            Err(error) => tracing::debug!(%error, "partitions were not paused or resumed"),
        }
    }

    /// Asks now and then where partitions end, as many as can be asked in the time for it; the others have their turn the
    /// next time.
    fn ask_ends(&mut self) {
        let began = Instant::now();
        let is_soon = self.asked_ends.is_some_and(|(at, _)| began - at < ENDS_INTERVAL);
        if is_soon || !self.consumer.context().is_watched() {
            return;
        }
        // Partitions have no numbers below 0.
        let mut asked = self.asked_ends.map_or(-1, |(_, last)| last);
        let (rest, again) = ((Bound::Excluded(asked), Bound::Unbounded), (Bound::Unbounded, Bound::Included(asked)));
        let mut ends = Vec::new();
        for (partition, _) in self.partitions.range(rest).chain(self.partitions.range(again)) {
            let partition = *partition;
            let left = ENDS_MAX.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            asked = partition;
            let Some(end) = client::end_within(&self.consumer, &self.source, partition, left) else { break };
            ends.push((partition, end));
        }
        self.consumer.context().tell_ends(&ends);
        self.asked_ends = Some((Instant::now(), asked));
    }
}

/// How long a poll waits at most.
fn longest(rows: u64) -> Duration {
    if rows == 0 { POLL_TIMEOUT } else { POLL_TIMEOUT_WITH_ROWS }
}

/// Stops fetching a partition that is drained while others are not. Only spares work, so that failing is no matter.
fn pause(consumer: &MillConsumer, source: &KafkaSource, partition: i32) {
    let mut list = TopicPartitionList::new();
    list.add_partition(&source.topic, partition);
    let _ = consumer.pause(&list);
}

enum Weight {
    /// The client tries again by itself.
    Passing,
    OutOfRange,
    /// Trying again does not help.
    Final,
}

fn weigh(error: &KafkaError) -> Weight {
    use RDKafkaErrorCode as Code;
    match error {
        KafkaError::MessageConsumption(Code::OffsetOutOfRange | Code::AutoOffsetReset) => Weight::OutOfRange,
        KafkaError::MessageConsumption(
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::BrokerNotAvailable
            | Code::NetworkException
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator,
        ) => Weight::Passing,
        _ => Weight::Final,
    }
}

fn run(worker: &impl Fn() -> Worker, batches: &Mutex<Receiver<Batch>>, spares: &Sender<Batch>) -> Result<Done> {
    let mut worker = worker();
    loop {
        let next = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut batch) = next else { return worker.finish() };
        worker.batch(&batch)?;
        batch.clear();
        // Nobody takes spares once the poller is done.
        let _ = spares.send(batch);
    }
}
