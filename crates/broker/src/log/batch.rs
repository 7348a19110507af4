//! A record batch as it travels and as it is kept: the format that Kafka calls message format v2.
//!
//! Batches are never taken apart: they stay compressed as the producer sent them. The broker sets two fields that the
//! checksum does not cover, base offset and leader epoch. Layout: <https://kafka.apache.org/documentation/#recordbatch>.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::records::RecordBatchDecoder;

/// Bytes up to and including the length field, which that field does not count.
const PREFIX: usize = 12;
/// Bytes before the records.
const HEADER: usize = 61;
/// Where the checksum is, and where what it covers starts.
const CRC_AT: usize = 17;
const CRC_FROM: usize = 21;
const MAGIC_AT: usize = 16;
/// Attribute bits of batches that only transactional producers send.
const TRANSACTIONAL_OR_CONTROL: i16 = 0x30;

/// A batch with the fields that the log needs.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// Offset of its first record.
    pub(crate) base_offset: i64,
    /// Number of records.
    pub(crate) count: i64,
    /// Newest timestamp in it, in milliseconds.
    pub(crate) max_timestamp: i64,
    /// Who sent it, when the producer is idempotent.
    pub(crate) stamp: Option<Stamp>,
    bytes: Bytes,
}

/// What an idempotent producer puts on a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) producer: i64,
    pub(crate) epoch: i16,
    /// Number of the first record in the producer's count for this partition.
    pub(crate) sequence: i32,
}

impl Batch {
    /// Takes the next batch off `bytes`, checksum verified. `Ok(None)` when they end in the middle of one.
    pub(crate) fn take(bytes: &mut Bytes) -> Result<Option<Self>, ResponseError> {
        if bytes.len() < HEADER {
            return Ok(None);
        }
        if bytes[MAGIC_AT] != 2 {
            return Err(ResponseError::UnsupportedForMessageFormat);
        }
        let length = usize::try_from((&bytes[8..PREFIX]).get_i32()).map_err(|_| ResponseError::CorruptMessage)?;
        let total = PREFIX + length;
        if total < HEADER {
            return Err(ResponseError::CorruptMessage);
        }
        if bytes.len() < total {
            return Ok(None);
        }
        let whole = bytes.split_to(total);
        if (&whole[CRC_AT..CRC_FROM]).get_u32() != crc32c::crc32c(&whole[CRC_FROM..]) {
            return Err(ResponseError::CorruptMessage);
        }
        let mut fields = &whole[CRC_FROM..HEADER];
        let attributes = fields.get_i16();
        let last_offset_delta = i64::from(fields.get_i32());
        let _base_timestamp = fields.get_i64();
        let max_timestamp = fields.get_i64();
        let stamp = Stamp { producer: fields.get_i64(), epoch: fields.get_i16(), sequence: fields.get_i32() };
        if last_offset_delta + 1 != i64::from(fields.get_i32()) || last_offset_delta < 0 {
            return Err(ResponseError::InvalidRecord);
        }
        if attributes & TRANSACTIONAL_OR_CONTROL != 0 {
            return Err(ResponseError::InvalidTxnState);
        }
        Ok(Some(Self {
            base_offset: (&whole[..8]).get_i64(),
            count: last_offset_delta + 1,
            max_timestamp,
            stamp: (stamp.producer >= 0).then_some(stamp),
            bytes: whole,
        }))
    }

    /// Offset after its last record.
    pub(crate) fn end(&self) -> i64 {
        self.base_offset + self.count
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Appends it with its base offset, in leader epoch 0.
    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.put_i64(self.base_offset);
        out.put_slice(&self.bytes[8..PREFIX]);
        out.put_i32(0);
        out.put_slice(&self.bytes[MAGIC_AT..]);
    }

    /// Offset and timestamp of its first record that is not older than `timestamp`.
    pub(crate) fn first_since(&self, timestamp: i64) -> Option<(i64, i64)> {
        let mut out = BytesMut::with_capacity(self.size());
        self.write(&mut out);
        let records = RecordBatchDecoder::decode(&mut out.freeze()).ok()?.records;
        records.iter().find(|record| record.timestamp >= timestamp).map(|record| (record.offset, record.timestamp))
    }
}
