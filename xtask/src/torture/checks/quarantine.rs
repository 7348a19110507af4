//! `quarantine`: each message that breaks the contract is in quarantine once, with a reason, and nothing else is.

use super::super::site::Site;
use super::{Topic, same};

pub fn check(site: &Site, topic: &Topic) -> Result<String, String> {
    let expected: Vec<String> =
        topic.spoiled.iter().map(|(partition, offset)| format!("{partition},{offset},true")).collect();
    let count = expected.len();
    let sql = "select partition, kafka_offset, array_length(rules) > 0 from quarantine.transactions_streaming";
    same(expected, site.query(&site.project, sql)?)?;
    Ok(format!("{count} messages, each once"))
}
