//! `acknowledged`: what the broker acknowledged is in the topic; and what the topic holds, for the other checks.

use std::collections::BTreeSet;

use super::super::broker::{Broker, TOPIC};
use super::super::site::Site;
use super::super::spoiler::KEY;

/// What the topic holds at the end.
pub struct Topic {
    pub address: String,
    /// Partition, offset and `tx_id` of each transaction.
    pub transactions: Vec<(i32, i64, String)>,
    /// Partition and offset of each message that breaks the contract.
    pub spoiled: Vec<(i32, i64)>,
    /// Messages of both sorts that were acknowledged to their senders.
    pub acknowledged: (u64, u64),
}

impl Topic {
    /// Reads all of it.
    pub fn read(broker: &Broker, acknowledged: (u64, u64)) -> Result<Self, String> {
        let address = broker.address.clone();
        let mut topic = Self { address, transactions: Vec::new(), spoiled: Vec::new(), acknowledged };
        let mut wire = broker.wire()?;
        for (partition, end) in wire.ends(TOPIC)? {
            for record in wire.read(TOPIC, partition, end)? {
                if record.key.starts_with(KEY) {
                    topic.spoiled.push((partition, record.offset));
                    continue;
                }
                let value: serde_json::Value = serde_json::from_slice(&record.value.unwrap_or_default())
                    .map_err(|error| format!("partition {partition}, offset {}: {error}", record.offset))?;
                let id = value.get("tx_id").and_then(serde_json::Value::as_str).unwrap_or_default();
                topic.transactions.push((partition, record.offset, id.to_owned()));
            }
        }
        Ok(topic)
    }

    /// Every `tx_id`, once.
    pub fn ids(&self) -> BTreeSet<&str> {
        self.transactions.iter().map(|(_, _, id)| id.as_str()).collect()
    }
}

pub fn check(_site: &Site, topic: &Topic) -> Result<String, String> {
    let (transactions, spoiled) = (topic.transactions.len() as u64, topic.spoiled.len() as u64);
    let told = format!(
        "{transactions} messages with {} transactions in the topic, {} acknowledged; {spoiled} that break the contract, \
         {} acknowledged",
        topic.ids().len(),
        topic.acknowledged.0,
        topic.acknowledged.1
    );
    let is_whole = transactions >= topic.acknowledged.0 && spoiled >= topic.acknowledged.1 && transactions > 0;
    if is_whole { Ok(told) } else { Err(told) }
}
