//! Produce: records to a partition, acknowledged.

use super::body::Body;
use super::{Record, Wire, batch, good};

impl Wire {
    /// Sends records to a partition and returns when the broker has acknowledged them.
    pub fn send(&mut self, topic: &str, partition: i32, records: &[Record], timestamp_ms: i64) -> Result<(), String> {
        let mut body = Body::default();
        // No transaction; all replicas; ten seconds.
        body.i16(-1).i16(-1).i32(10_000);
        body.i32(1).string(topic).i32(1).i32(partition).bytes(&batch::encode(records, timestamp_ms));
        let mut answer = self.call(0, 3, body)?;
        for _ in 0..answer.list()? {
            answer.string()?;
            for _ in 0..answer.list()? {
                let (_partition, code, _offset, _time) = (answer.i32()?, answer.i16()?, answer.i64()?, answer.i64()?);
                good(code, "produce")?;
            }
        }
        Ok(())
    }
}
