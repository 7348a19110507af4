//! Batches and partitions, below the protocol.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};

use super::batch::Batch;
use super::partition::Partition;

/// A batch as a producer sends it: records from `sequence` on, one a second.
fn encoded(producer: i64, epoch: i16, sequence: i32, count: i32) -> Bytes {
    let records: Vec<Record> = (0..count)
        .map(|number| Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: -1,
            producer_id: producer,
            producer_epoch: epoch,
            timestamp_type: TimestampType::Creation,
            offset: i64::from(number),
            sequence: sequence + number,
            timestamp: i64::from(sequence + number) * 1000,
            key: None,
            value: Some(Bytes::from(format!("value {}", sequence + number))),
            headers: Default::default(),
        })
        .collect();
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::Lz4 };
    RecordBatchEncoder::encode(&mut out, &records, &options).unwrap();
    out.freeze()
}

fn batch(producer: i64, epoch: i16, sequence: i32, count: i32) -> Batch {
    Batch::take(&mut encoded(producer, epoch, sequence, count)).unwrap().unwrap()
}

fn append(partition: &Partition, batch: Batch) -> Result<i64, ResponseError> {
    partition.append(batch, &AtomicU64::new(0), u64::MAX)
}

#[test]
fn a_batch_is_checked_before_it_is_taken() {
    let good = encoded(1, 0, 0, 3);
    for cut in [0, 10, 60, good.len() - 1] {
        assert!(Batch::take(&mut good.slice(..cut)).unwrap().is_none(), "{cut}");
    }
    let broken = |at: usize, value: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = value;
        Batch::take(&mut Bytes::from(bytes)).map(|batch| batch.is_some())
    };
    assert_eq!(broken(good.len() - 1, !good[good.len() - 1]), Err(ResponseError::CorruptMessage));
    assert_eq!(broken(16, 1), Err(ResponseError::UnsupportedForMessageFormat));
    assert_eq!(broken(8, 0xff), Err(ResponseError::CorruptMessage), "a negative length");
    assert_eq!(broken(3, 7), Ok(true), "the base offset is ours to set");
    let mut two = [good.clone(), good.clone()].concat().into();
    assert!(Batch::take(&mut two).unwrap().is_some());
    assert_eq!(two.len(), good.len());
}

#[test]
fn offsets_are_dense_and_reads_begin_with_the_batch_that_holds_the_offset() {
    let partition = Partition::default();
    for (number, sequence) in (0..5).zip((0..).step_by(10)) {
        assert_eq!(append(&partition, batch(1, 0, sequence, 10)).unwrap(), number * 10);
    }
    let from = |offset: i64, max_bytes: usize| {
        let mut records = partition.read(offset, max_bytes, true)?.records;
        let mut bases = Vec::new();
        while let Some(batch) = Batch::take(&mut records)? {
            bases.push(batch.base_offset);
        }
        Ok(bases)
    };
    assert_eq!(from(0, usize::MAX), Ok(vec![0, 10, 20, 30, 40]));
    assert_eq!(from(29, usize::MAX), Ok(vec![20, 30, 40]));
    assert_eq!(from(30, 1), Ok(vec![30]));
    assert_eq!(from(50, usize::MAX), Ok(vec![]));
    assert_eq!(from(51, usize::MAX), Err(ResponseError::OffsetOutOfRange));
    assert_eq!(from(-1, usize::MAX), Err(ResponseError::OffsetOutOfRange));
    assert!(partition.read(0, 1, false).unwrap().records.is_empty());
    assert_eq!(partition.since(12_500), Some((13, 13_000)));
    assert_eq!(partition.since(49_001), None);
    assert_eq!(partition.newest(), Some((49, 49_000)));
}

#[test]
fn repeats_are_kept_once_and_gaps_refused() {
    let partition = Partition::default();
    assert_eq!(append(&partition, batch(1, 0, 0, 10)), Ok(0));
    assert_eq!(append(&partition, batch(1, 0, 10, 10)), Ok(10));
    assert_eq!(append(&partition, batch(1, 0, 0, 10)), Ok(0), "a repeat gets its old offset");
    assert_eq!(append(&partition, batch(1, 0, 30, 1)), Err(ResponseError::OutOfOrderSequenceNumber));
    assert_eq!(append(&partition, batch(2, 0, 0, 5)), Ok(20), "another producer counts for itself");
    assert_eq!(append(&partition, batch(1, 1, 5, 1)), Err(ResponseError::OutOfOrderSequenceNumber));
    assert_eq!(append(&partition, batch(1, 1, 0, 1)), Ok(25), "a new epoch starts at 0");
    assert_eq!(append(&partition, batch(1, 0, 20, 1)), Err(ResponseError::InvalidProducerEpoch));
    assert_eq!(partition.range(), (0, 26));
    for sequence in 1..10 {
        append(&partition, batch(1, 1, sequence, 1)).unwrap();
    }
    assert_eq!(
        append(&partition, batch(1, 1, 1, 1)),
        Err(ResponseError::OutOfOrderSequenceNumber),
        "a repeat that is too old to be known is not kept again"
    );
}

#[test]
fn a_full_broker_refuses_and_drops_nothing() {
    let (partition, held) = (Partition::default(), AtomicU64::new(0));
    let size = batch(1, 0, 0, 10).size() as u64;
    let limit = 2 * size + size / 2;
    assert_eq!(partition.append(batch(1, 0, 0, 10), &held, limit), Ok(0));
    assert_eq!(partition.append(batch(2, 0, 0, 10), &held, limit), Ok(10));
    assert_eq!(partition.append(batch(3, 0, 0, 10), &held, limit), Err(ResponseError::KafkaStorageError));
    assert_eq!((partition.range(), partition.size()), ((0, 20), held.load(Ordering::Relaxed)));
    assert_eq!(partition.delete_before(10, &held), Ok(10));
    assert_eq!(held.load(Ordering::Relaxed), size);
    assert_eq!(partition.append(batch(3, 0, 0, 10), &held, limit), Ok(20));
    assert_eq!(partition.delete_before(-1, &held), Ok(30));
    assert_eq!(partition.delete_before(31, &held), Err(ResponseError::OffsetOutOfRange));
    assert_eq!((partition.range(), held.load(Ordering::Relaxed)), ((30, 30), 0));
}
