//! One partition: batches in the order of their offsets, and what producers have sent to it.
//!
//! Guarantees: offsets are dense and given once; a batch that an idempotent producer repeats is answered with its first
//! offset and not kept twice; nothing is dropped unless a client asks for it (`delete_records`).

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;

use super::batch::{Batch, Stamp};
use super::disk::Segment;
use crate::lock::lock;

/// Batches of a producer that are remembered to know a repeat by: as many as a client may have in flight.
const REMEMBERED: usize = 5;

/// What a read returns.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// Whole batches one after the other; the first may begin before the offset that was asked for.
    pub(crate) records: Bytes,
    /// Offset of the first record that is kept.
    pub(crate) start: i64,
    /// Offset that the next record will get.
    pub(crate) end: i64,
}

/// A partition; all methods take effect at once or not at all.
#[derive(Debug, Default)]
pub(crate) struct Partition {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    batches: VecDeque<Batch>,
    start: i64,
    end: i64,
    producers: HashMap<i64, Producer>,
    segment: Option<Segment>,
}

#[derive(Debug)]
struct Producer {
    epoch: i16,
    next_sequence: i32,
    /// First sequence and offset of its last batches, oldest first.
    recent: VecDeque<(i32, i64)>,
}

impl Partition {
    /// A partition that continues from what its file holds.
    pub(crate) fn restored(segment: Segment, start: i64, batches: Vec<Batch>) -> Self {
        let mut inner = Inner { start, end: start, segment: Some(segment), ..Inner::default() };
        for batch in batches {
            inner.remember(&batch);
            inner.end = batch.end();
            if batch.end() > start {
                inner.batches.push_back(batch);
            }
        }
        Self { inner: Mutex::new(inner) }
    }

    /// Appends a batch; returns the offset of its first record. `held` counts bytes over all partitions, up to `limit`.
    pub(crate) fn append(&self, mut batch: Batch, held: &AtomicU64, limit: u64) -> Result<i64, ResponseError> {
        let inner = &mut *lock(&self.inner);
        if let Some(stamp) = batch.stamp
            && let Some(repeated) = inner.check(stamp)?
        {
            return Ok(repeated);
        }
        let size = batch.size() as u64;
        if held.fetch_add(size, Ordering::Relaxed) + size > limit {
            held.fetch_sub(size, Ordering::Relaxed);
            return Err(ResponseError::KafkaStorageError);
        }
        batch.base_offset = inner.end;
        if let Some(segment) = &mut inner.segment
            && segment.append(&batch).is_err()
        {
            held.fetch_sub(size, Ordering::Relaxed);
            return Err(ResponseError::KafkaStorageError);
        }
        inner.remember(&batch);
        inner.end = batch.end();
        let base_offset = batch.base_offset;
        inner.batches.push_back(batch);
        Ok(base_offset)
    }

    /// Reads from `offset` on: as many batches as fit in `max_bytes`, and at least one if `one_at_least`.
    pub(crate) fn read(&self, offset: i64, max_bytes: usize, one_at_least: bool) -> Result<Read, ResponseError> {
        let inner = lock(&self.inner);
        if offset < inner.start || offset > inner.end {
            return Err(ResponseError::OffsetOutOfRange);
        }
        let first = inner.batches.partition_point(|batch| batch.end() <= offset);
        let mut out = BytesMut::new();
        for batch in inner.batches.range(first..) {
            if out.len() + batch.size() > max_bytes && !(one_at_least && out.is_empty()) {
                break;
            }
            batch.write(&mut out);
        }
        Ok(Read { records: out.freeze(), start: inner.start, end: inner.end })
    }

    /// Offsets of the first record and after the last.
    pub(crate) fn range(&self) -> (i64, i64) {
        let inner = lock(&self.inner);
        (inner.start, inner.end)
    }

    /// Offset and timestamp of the first record that is not older than `timestamp`.
    pub(crate) fn since(&self, timestamp: i64) -> Option<(i64, i64)> {
        let (start, candidates) = {
            let inner = lock(&self.inner);
            // Within a partition timestamps may go up and down, so every batch is looked at; decoding happens outside
            // the lock, and mostly of one batch.
            let newer = inner.batches.iter().filter(|batch| batch.max_timestamp >= timestamp).take(2).cloned();
            (inner.start, newer.collect::<Vec<_>>())
        };
        candidates
            .iter()
            .find_map(|batch| batch.first_since(timestamp))
            .map(|(offset, found)| (offset.max(start), found))
    }

    /// Offset and timestamp of the record with the newest timestamp.
    pub(crate) fn newest(&self) -> Option<(i64, i64)> {
        let batch = lock(&self.inner).batches.iter().max_by_key(|batch| batch.max_timestamp).cloned()?;
        batch.first_since(batch.max_timestamp)
    }

    /// Drops the records before `offset` (-1: all); returns the new first offset.
    pub(crate) fn delete_before(&self, offset: i64, held: &AtomicU64) -> Result<i64, ResponseError> {
        let inner = &mut *lock(&self.inner);
        let offset = if offset == -1 { inner.end } else { offset };
        if offset < 0 || offset > inner.end {
            return Err(ResponseError::OffsetOutOfRange);
        }
        if offset > inner.start {
            if let Some(segment) = &mut inner.segment {
                segment.set_start(offset).map_err(|_| ResponseError::KafkaStorageError)?;
            }
            inner.start = offset;
        }
        while let Some(batch) = inner.batches.front()
            && batch.end() <= inner.start
        {
            held.fetch_sub(batch.size() as u64, Ordering::Relaxed);
            inner.batches.pop_front();
        }
        Ok(inner.start)
    }

    /// Bytes held.
    pub(crate) fn size(&self) -> u64 {
        lock(&self.inner).batches.iter().map(|batch| batch.size() as u64).sum()
    }

    /// The highest producer id that has written here.
    pub(crate) fn highest_producer(&self) -> Option<i64> {
        lock(&self.inner).producers.keys().max().copied()
    }
}

impl Inner {
    /// Whether the producer may go on: `Ok(Some(offset))` for a repeat of a batch that is already here.
    fn check(&self, stamp: Stamp) -> Result<Option<i64>, ResponseError> {
        // Of a producer that is not known, any sequence is accepted: its earlier batches may have been deleted.
        let Some(producer) = self.producers.get(&stamp.producer) else { return Ok(None) };
        if stamp.epoch < producer.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if stamp.epoch > producer.epoch {
            return if stamp.sequence == 0 { Ok(None) } else { Err(ResponseError::OutOfOrderSequenceNumber) };
        }
        if let Some((_, offset)) = producer.recent.iter().find(|(sequence, _)| *sequence == stamp.sequence) {
            return Ok(Some(*offset));
        }
        if stamp.sequence != producer.next_sequence {
            return Err(ResponseError::OutOfOrderSequenceNumber);
        }
        Ok(None)
    }

    fn remember(&mut self, batch: &Batch) {
        let Some(stamp) = batch.stamp else { return };
        let fresh = || Producer { epoch: stamp.epoch, next_sequence: 0, recent: VecDeque::new() };
        let producer = self.producers.entry(stamp.producer).or_insert_with(fresh);
        if producer.epoch != stamp.epoch {
            *producer = fresh();
        }
        // Sequences start again at 0 after the largest.
        let next = (i64::from(stamp.sequence) + batch.count) % (i64::from(i32::MAX) + 1);
        producer.next_sequence = next as i32;
        producer.recent.push_back((stamp.sequence, batch.base_offset));
        if producer.recent.len() > REMEMBERED {
            producer.recent.pop_front();
        }
    }
}
