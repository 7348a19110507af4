//! What administrators ask: topics, partitions and their ends.

use super::body::Body;
use super::{Wire, good};

/// How long the broker may take for a change, in milliseconds.
const CHANGE_MS: i32 = 10_000;
/// Kafka's code for a topic that is there already.
const TOPIC_EXISTS: i16 = 36;

impl Wire {
    /// Makes a topic, unless it is there.
    pub fn create_topic(&mut self, topic: &str, partitions: i32) -> Result<(), String> {
        let mut body = Body::default();
        // One replica, chosen by the broker, without settings.
        body.i32(1).string(topic).i32(partitions).i16(1).i32(0).i32(0).i32(CHANGE_MS).i8(0);
        let mut answer = self.call(19, 2, body)?;
        answer.i32()?;
        for _ in 0..answer.list()? {
            answer.string()?;
            let code = answer.i16()?;
            let why = answer.string()?;
            if code != TOPIC_EXISTS {
                good(code, &format!("create topic {topic} {why}"))?;
            }
        }
        Ok(())
    }

    /// Lets a topic have so many partitions in all.
    pub fn grow_topic(&mut self, topic: &str, partitions: i32) -> Result<(), String> {
        let mut body = Body::default();
        body.i32(1).string(topic).i32(partitions).i32(-1).i32(CHANGE_MS).i8(0);
        let mut answer = self.call(37, 0, body)?;
        answer.i32()?;
        for _ in 0..answer.list()? {
            answer.string()?;
            let code = answer.i16()?;
            let why = answer.string()?;
            good(code, &format!("create partitions {why}"))?;
        }
        Ok(())
    }

    /// The partitions of a topic.
    pub fn partitions(&mut self, topic: &str) -> Result<Vec<i32>, String> {
        let mut body = Body::default();
        body.i32(1).string(topic);
        let mut answer = self.call(3, 1, body)?;
        for _ in 0..answer.list()? {
            let (_node, _host, _port, _rack) = (answer.i32()?, answer.string()?, answer.i32()?, answer.string()?);
        }
        answer.i32()?;
        let mut found = Vec::new();
        for _ in 0..answer.list()? {
            let (code, _name, _internal) = (answer.i16()?, answer.string()?, answer.i8()?);
            good(code, "metadata")?;
            for _ in 0..answer.list()? {
                let (_code, partition, _leader) = (answer.i16()?, answer.i32()?, answer.i32()?);
                for _ in 0..2 {
                    let replicas = answer.list()?;
                    answer.take(4 * replicas)?;
                }
                found.push(partition);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The next offset of each partition of a topic.
    pub fn ends(&mut self, topic: &str) -> Result<Vec<(i32, i64)>, String> {
        let partitions = self.partitions(topic)?;
        let mut body = Body::default();
        // No replica, and what is not committed too.
        body.i32(-1).i8(0).i32(1).string(topic).i32(partitions.len() as i32);
        for partition in partitions {
            // Whatever the leader's epoch; and -1 stands for the end.
            body.i32(partition).i32(-1).i64(-1);
        }
        let mut answer = self.call(2, 4, body)?;
        answer.i32()?;
        let mut found = Vec::new();
        for _ in 0..answer.list()? {
            answer.string()?;
            for _ in 0..answer.list()? {
                let (partition, code, _time, offset) = (answer.i32()?, answer.i16()?, answer.i64()?, answer.i64()?);
                answer.i32()?;
                good(code, "list offsets")?;
                found.push((partition, offset));
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}
