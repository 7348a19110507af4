//! Record batches (magic 2), uncompressed.

use super::body::{Answer, Body};

/// A record of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub offset: i64,
    pub key: Vec<u8>,
    /// None is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// Bits of a batch's attributes that name its compression.
const COMPRESSION: i16 = 0b111;

/// A batch with these records.
pub fn encode(records: &[Record], timestamp_ms: i64) -> Vec<u8> {
    // What the checksum is of: from the attributes to the end.
    let mut summed = Body::default();
    summed.i16(0).i32(records.len() as i32 - 1).i64(timestamp_ms).i64(timestamp_ms);
    // No idempotent producer.
    summed.i64(-1).i16(-1).i32(-1).i32(records.len() as i32);
    for (number, record) in records.iter().enumerate() {
        let mut body = Body::default();
        body.i8(0).varint(0).varint(number as i64).varint(record.key.len() as i64).raw(&record.key);
        match &record.value {
            Some(value) => body.varint(value.len() as i64).raw(value),
            None => body.varint(-1),
        };
        body.varint(0);
        let body = body.into_bytes();
        summed.varint(body.len() as i64).raw(&body);
    }
    let summed = summed.into_bytes();
    let mut batch = Body::default();
    // Leader's epoch, magic, checksum and what it is of.
    batch.i64(0).i32(summed.len() as i32 + 9).i32(-1).i8(2).i32(crc32c(&summed) as i32).raw(&summed);
    batch.into_bytes()
}

/// The records of batches that stand one after the other; the last may be cut and is left out then.
pub fn decode(bytes: Vec<u8>) -> Result<Vec<Record>, String> {
    let mut answer = Answer::new(bytes);
    let mut found = Vec::new();
    while answer.left() >= 12 {
        let (base, length) = (answer.i64()?, answer.list()?);
        if answer.left() < length {
            break;
        }
        let mut batch = Answer::new(answer.take(length)?.to_vec());
        let (_epoch, magic, _checksum, attributes) = (batch.i32()?, batch.i8()?, batch.i32()?, batch.i16()?);
        if magic != 2 || attributes & COMPRESSION != 0 {
            return Err(format!("a batch at offset {base} has magic {magic} and attributes {attributes}"));
        }
        // Last offset, two times, producer, epoch, sequence.
        batch.take(4 + 8 + 8 + 8 + 2 + 4)?;
        for _ in 0..batch.list()? {
            let (_length, _attributes, _time) = (batch.varint()?, batch.i8()?, batch.varint()?);
            let offset = base + batch.varint()?;
            let key = field(&mut batch)?.unwrap_or_default();
            let value = field(&mut batch)?;
            for _ in 0..batch.varint()? {
                field(&mut batch)?;
                field(&mut batch)?;
            }
            found.push(Record { offset, key, value });
        }
    }
    Ok(found)
}

fn field(batch: &mut Answer) -> Result<Option<Vec<u8>>, String> {
    let Ok(length) = usize::try_from(batch.varint()?) else { return Ok(None) };
    Ok(Some(batch.take(length)?.to_vec()))
}

/// The checksum of batches: CRC-32 with Castagnoli's polynomial, bit by bit; what we send is small.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn records_come_back_and_a_cut_batch_is_left_out() -> Result<(), String> {
        let record = |offset, value: Option<&[u8]>| Record { offset, key: vec![7], value: value.map(<[u8]>::to_vec) };
        let records = vec![record(0, Some(b"one")), record(1, None), record(2, Some(b""))];
        let batch = encode(&records, 1_000);
        assert_eq!(decode(batch.clone())?, records);
        let twice = [batch.clone(), batch[..batch.len() - 1].to_vec()].concat();
        assert_eq!(decode(twice)?, records);
        Ok(())
    }
}
