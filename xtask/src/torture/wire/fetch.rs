//! Fetch: every record of a partition.

use super::body::Body;
use super::{Record, Wire, batch, good};

/// Bytes of one answer.
const BYTES: i32 = 4 << 20;

impl Wire {
    /// The records of a partition from its start to `end`.
    pub fn read(&mut self, topic: &str, partition: i32, end: i64) -> Result<Vec<Record>, String> {
        let mut records: Vec<Record> = Vec::new();
        let mut next = 0;
        while next < end {
            let found = self.fetch(topic, partition, next)?;
            let before = records.len();
            // A batch is given whole, from its first record on.
            records.extend(found.into_iter().filter(|record| record.offset >= next && record.offset < end));
            if records.len() == before {
                return Err(format!("partition {partition} gives nothing at offset {next} although it ends at {end}"));
            }
            next = records.last().map_or(end, |record| record.offset + 1);
        }
        Ok(records)
    }

    fn fetch(&mut self, topic: &str, partition: i32, offset: i64) -> Result<Vec<Record>, String> {
        let mut body = Body::default();
        // No replica, a second, a byte, and what is not committed too: nobody uses transactions here.
        body.i32(-1).i32(1_000).i32(1).i32(BYTES).i8(0);
        body.i32(1).string(topic).i32(1).i32(partition).i64(offset).i32(BYTES);
        let mut answer = self.call(1, 4, body)?;
        answer.i32()?;
        let mut records = Vec::new();
        for _ in 0..answer.list()? {
            answer.string()?;
            for _ in 0..answer.list()? {
                let (_partition, code, _high, _stable) = (answer.i32()?, answer.i16()?, answer.i64()?, answer.i64()?);
                good(code, "fetch")?;
                for _ in 0..answer.list()? {
                    answer.take(16)?;
                }
                records.extend(batch::decode(answer.bytes()?)?);
            }
        }
        Ok(records)
    }
}
