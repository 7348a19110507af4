//! One thread's work on messages: batches in, raw rows and quarantined messages out.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, StringBuilder, TimestampMicrosecondArray};
use millstream_core::limits::{QUARANTINE_RAW_BYTES_MAX, RECORD_BYTES_MAX};
use millstream_core::{Error, Result};
use rdkafka::Message as _;
use rdkafka::message::BorrowedMessage;

use crate::broken::Tally;
use crate::contract::{Contract, ExtraFields};
use crate::decode::fields::Fields;
use crate::decode::json::{Damage, Scanner};
use crate::decode::rows;
use crate::quarantine::{Origin, QuarantineSink, Rejected};
use crate::sink::PartSink;

/// Messages, copied out of the client so that they can be decoded on another thread.
#[derive(Default)]
pub(crate) struct Batch {
    /// Payloads and keys, one after the other.
    bytes: Vec<u8>,
    messages: Vec<Message>,
}

struct Message {
    partition: i32,
    offset: i64,
    /// Microseconds.
    timestamp: Option<i64>,
    key: Option<Range<usize>>,
    /// None for a tombstone; the first bytes of one that is too long.
    payload: Option<Range<usize>>,
    payload_length: usize,
}

impl Batch {
    /// Adds a message.
    pub(crate) fn push(&mut self, message: &BorrowedMessage<'_>) {
        let mut copy = |bytes: &[u8]| {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(bytes);
            start..self.bytes.len()
        };
        let payload = message.payload();
        let payload_length = payload.map_or(0, <[u8]>::len);
        let kept = if payload_length > RECORD_BYTES_MAX { QUARANTINE_RAW_BYTES_MAX } else { payload_length };
        let message = Message {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: timestamp(message),
            key: message.key().map(&mut copy),
            payload: payload.map(|payload| copy(&payload[..kept])),
            payload_length,
        };
        self.messages.push(message);
    }
    /// Messages in it.
    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }
    /// Bytes in it.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }
    /// Forgets the messages and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.messages.clear();
    }
}

/// Messages of one partition, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) rows_in: u64,
    pub(crate) rows_loaded: u64,
    pub(crate) rows_quarantined: u64,
    /// Time of the newest message, in microseconds.
    pub(crate) newest: Option<i64>,
    /// The offset of the last message, and its time.
    pub(crate) last: Option<(i64, Option<i64>)>,
}

/// The time of a message, in microseconds.
pub(crate) fn timestamp(message: &BorrowedMessage<'_>) -> Option<i64> {
    message.timestamp().to_millis().map(|millis| millis.saturating_mul(1000))
}

/// What the workers of a segment did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) counts: BTreeMap<i32, Counts>,
    /// Rows that were given to the data files, as these count them.
    pub(crate) rows_written: u64,
    /// The same for quarantine.
    pub(crate) quarantine_written: u64,
    pub(crate) broken: BTreeMap<i32, Tally>,
}

impl Done {
    /// Adds another worker's.
    pub(crate) fn add(&mut self, other: Done) {
        for (partition, theirs) in other.counts {
            let ours = self.counts.entry(partition).or_default();
            ours.rows_in += theirs.rows_in;
            ours.rows_loaded += theirs.rows_loaded;
            ours.rows_quarantined += theirs.rows_quarantined;
            ours.newest = ours.newest.max(theirs.newest);
            ours.last = ours.last.max(theirs.last);
        }
        for (partition, tally) in other.broken {
            self.broken.entry(partition).or_default().merge(tally);
        }
        self.rows_written += other.rows_written;
        self.quarantine_written += other.quarantine_written;
    }
}

/// The state of one decoding thread.
pub(crate) struct Worker {
    contract: Contract,
    topic: String,
    scanner: Scanner,
    fields: Fields,
    /// Place of each declared column: messages are scanned into the declared order.
    places: Vec<usize>,
    raw: PartSink,
    quarantine: QuarantineSink,
    done: Done,
    /// Messages of the batch whose values were found.
    found: Vec<usize>,
}

impl Worker {
    /// Rows go to `raw`, broken messages to `quarantine`.
    pub(crate) fn new(
        contract: Contract,
        topic: String,
        extra: ExtraFields,
        raw: PartSink,
        quarantine: QuarantineSink,
    ) -> Self {
        let scanner = Scanner::new(contract.columns(), extra);
        let width = contract.columns().len();
        let (fields, places) = (Fields::new(width), (0..width).collect());
        let (done, found) = (Done::default(), Vec::new());
        Self { contract, topic, scanner, fields, places, raw, quarantine, done, found }
    }

    /// Decodes a batch and writes its rows.
    pub(crate) fn batch(&mut self, batch: &Batch) -> Result<()> {
        self.fields.clear();
        self.found.clear();
        for (index, message) in batch.messages.iter().enumerate() {
            let counts = self.done.counts.entry(message.partition).or_default();
            counts.rows_in += 1;
            counts.newest = counts.newest.max(message.timestamp);
            counts.last = counts.last.max(Some((message.offset, message.timestamp)));
            match self.scan(batch, message) {
                Ok(()) => self.found.push(index),
                Err(damage) => self.reject(batch, message, &[(damage.rule, None, damage.message)])?,
            }
        }
        let decoded = rows::decode(self.contract.columns(), &self.places, &batch.bytes, &self.fields)?;
        let mut arrays = decoded.arrays;
        arrays.extend(position_columns(batch, &self.found)?);
        let rows = rows::good_rows(&self.contract.raw_schema(), arrays, &decoded.broken)?;
        self.done.rows_written += rows.num_rows() as u64;
        self.raw.write(&rows)?;
        let mut broken = decoded.broken.chunk_by(|a, b| a.row == b.row).peekable();
        for row in 0..self.found.len() {
            let message = &batch.messages[self.found[row]];
            match broken.next_if(|rules| rules[0].row == row) {
                Some(rules) => {
                    let rules: Vec<_> =
                        rules.iter().map(|rule| (rule.rule, rule.column, rule.message.clone())).collect();
                    self.reject(batch, message, &rules)?;
                }
                None => self.done.counts.entry(message.partition).or_default().rows_loaded += 1,
            }
        }
        Ok(())
    }

    /// Ends the data files.
    pub(crate) fn finish(mut self) -> Result<Done> {
        self.raw.finish()?;
        self.done.quarantine_written = self.quarantine.finish()?;
        Ok(self.done)
    }

    /// Finds a message's values.
    fn scan(&mut self, batch: &Batch, message: &Message) -> Result<(), Damage> {
        let damage = |rule, message: &str| Err(Damage { rule, message: message.to_owned() });
        let Some(payload) = &message.payload else { return damage("tombstone", "a message without a payload") };
        if message.payload_length > payload.len() {
            let message = format!("longer than {RECORD_BYTES_MAX} bytes; quarantine has its first bytes");
            return Err(Damage { rule: "record_too_long", message });
        }
        if let Some(key) = &message.key {
            let key = &batch.bytes[key.clone()];
            if std::str::from_utf8(key).is_err() {
                return damage("encoding", "the key is not UTF-8");
            }
            if key.contains(&0) {
                return damage("nul_byte", "a NUL byte in the key");
            }
        }
        self.scanner.scan(&batch.bytes, payload.clone(), &mut self.fields)
    }

    fn reject(
        &mut self,
        batch: &Batch,
        message: &Message,
        rules: &[(&'static str, Option<usize>, String)],
    ) -> Result<()> {
        let (partition, offset) = (message.partition, message.offset);
        self.done.counts.entry(partition).or_default().rows_quarantined += 1;
        let tally = self.done.broken.entry(partition).or_default();
        for (rule, column, text) in rules {
            tally.add(rule, *column, u64::try_from(offset).unwrap_or_default(), || format!("offset {offset}: {text}"));
        }
        let key = message.key.as_ref().map(|key| &batch.bytes[key.clone()]);
        let rejected = Rejected {
            unit: &format!("{}/{partition}", self.topic),
            origin: Origin::Message { partition, offset, timestamp: message.timestamp, key },
            raw: message.payload.as_ref().map(|payload| &batch.bytes[payload.clone()]),
            raw_length: message.payload_length as u64,
        };
        self.quarantine.push(rejected, rules.iter().map(|(rule, _, text)| (*rule, text.as_str())))
    }
}

/// The columns that say where each row came from.
fn position_columns(batch: &Batch, found: &[usize]) -> Result<[ArrayRef; 4]> {
    let messages = || found.iter().map(|index| &batch.messages[*index]);
    let mut keys = StringBuilder::with_capacity(found.len(), found.len() * 36);
    for message in messages() {
        match &message.key {
            None => keys.append_null(),
            Some(key) => {
                let key = std::str::from_utf8(&batch.bytes[key.clone()]);
                keys.append_value(key.map_err(|e| Error::ours("a key was let through that is not UTF-8").why(e))?);
            }
        }
    }
    let timestamps: TimestampMicrosecondArray = messages().map(|message| message.timestamp).collect();
    Ok([
        Arc::new(Int32Array::from_iter_values(messages().map(|message| message.partition))),
        Arc::new(Int64Array::from_iter_values(messages().map(|message| message.offset))),
        Arc::new(timestamps.with_timezone("UTC")),
        Arc::new(keys.finish()),
    ])
}
