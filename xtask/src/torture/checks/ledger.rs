//! `ledger`: on every line rows in are rows loaded and rows quarantined, and the lines of a table add up to the table.

use std::collections::BTreeMap;

use super::super::shell::must;
use super::super::site::Site;
use super::{Topic, same};

pub fn check(site: &Site, topic: &Topic) -> Result<String, String> {
    let text = must(site.millstream(&site.project).args(["ledger", "--format", "jsonl"]))?;
    // Of each table: rows in, loaded, quarantined.
    let mut sums: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    let mut lines = 0;
    for line in text.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        let number = |key: &str| entry.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
        let word = |key: &str| entry.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        if !matches!(word("outcome").as_str(), "loaded" | "replaced") {
            return Err(format!("something was not loaded: {line}"));
        }
        let rows = ["rows_in", "rows_loaded", "rows_quarantined"].map(number);
        if rows[0] != rows[1] + rows[2] {
            return Err(format!("a line does not balance: {line}"));
        }
        let sum = sums.entry(word("table")).or_default();
        sum.iter_mut().zip(rows).for_each(|(sum, rows)| *sum += rows);
        lines += 1;
    }
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    for (table, sum) in &sums {
        let count = |schema: &str| {
            let table = table.replacen("raw", schema, 1);
            site.query(&site.project, &format!("select count(*) from {table}")).map(|rows| rows.concat())
        };
        expected.push(format!("{table}: {} loaded, {} quarantined", sum[1], sum[2]));
        found.push(format!("{table}: {} loaded, {} quarantined", count("raw")?, count("quarantine")?));
    }
    same(found, expected)?;
    let messages = (topic.transactions.len() + topic.spoiled.len()) as u64;
    match sums.get("raw.transactions_streaming") {
        Some(sum) if sum[0] == messages => Ok(format!("{lines} lines of {} tables balance", sums.len())),
        other => Err(format!("the topic has {messages} messages, the ledger [in, loaded, quarantined] {other:?}")),
    }
}
