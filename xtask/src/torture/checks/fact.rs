//! `fact`: each `tx_id` of the topic is in the fact table exactly once, and nothing else of the stream is.

use super::super::site::Site;
use super::{Topic, same};

pub fn check(site: &Site, topic: &Topic) -> Result<String, String> {
    let expected: Vec<String> = topic.ids().into_iter().map(str::to_owned).collect();
    let count = expected.len();
    let sql = "select tx_id from marts.fct_transactions where source_system = 'streaming'";
    same(expected, site.query(&site.project, sql)?)?;
    Ok(format!("{count} transactions, each exactly once"))
}
