//! `raw`: each transaction of the topic is in the raw table once, with its partition and offset, and nothing else is.

use super::super::site::Site;
use super::{Topic, same};

pub fn check(site: &Site, topic: &Topic) -> Result<String, String> {
    let expected: Vec<String> =
        topic.transactions.iter().map(|(partition, offset, id)| format!("{partition},{offset},{id}")).collect();
    let count = expected.len();
    let sql = "select kafka_partition, kafka_offset, tx_id from raw.transactions_streaming";
    same(expected, site.query(&site.project, sql)?)?;
    Ok(format!("{count} messages, each once"))
}
