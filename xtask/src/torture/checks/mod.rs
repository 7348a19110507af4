//! What must hold at the end.
//!
//! The truth does not come from `up`: it is the topic, read by a client of our own, and a second workspace that ingests
//! the same input once, undisturbed.

mod fact;
mod ledger;
mod quarantine;
mod raw;
mod topic;
mod twin;
mod verify;

use super::site::Site;

pub use topic::Topic;

/// Differing rows that are shown of each side.
const SHOWN: usize = 20;

/// One check: what holds, or what does not.
type Check = fn(&Site, &Topic) -> Result<String, String>;

/// Makes every check, prints what came of it, and returns how many failed.
pub fn all(site: &Site, topic: &Topic) -> usize {
    let checks: [(&str, Check); 7] = [
        ("acknowledged", topic::check),
        ("raw", raw::check),
        ("quarantine", quarantine::check),
        ("fact", fact::check),
        ("ledger", ledger::check),
        ("verify", verify::check),
        ("twin", twin::check),
    ];
    let mut failed = 0;
    for (name, check) in checks {
        match check(site, topic) {
            Ok(what) => println!("ok      {name}: {what}"),
            Err(what) => {
                failed += 1;
                println!("FAILED  {name}: {what}");
            }
        }
    }
    failed
}

/// Whether both lists hold the same, each as many times; else what is missing and what is too much.
fn same(expected: Vec<String>, found: Vec<String>) -> Result<(), String> {
    let (mut expected, mut found) = (expected, found);
    expected.sort_unstable();
    found.sort_unstable();
    let (mut missing, mut extra) = (Vec::new(), Vec::new());
    let (mut left, mut right) = (expected.iter().peekable(), found.iter().peekable());
    loop {
        match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(a), Some(b)) if a == b => drop((left.next(), right.next())),
            (Some(a), other) if other.is_none_or(|b| *a < *b) => missing.extend(left.next()),
            _ => extra.extend(right.next()),
        }
    }
    if missing.is_empty() && extra.is_empty() {
        return Ok(());
    }
    let shown = |what: &str, lines: &[&String]| {
        let lines: Vec<String> = lines.iter().take(SHOWN).map(|line| format!("\n    {what} {line}")).collect();
        lines.concat()
    };
    Err(format!(
        "{} missing, {} too many{}{}",
        missing.len(),
        extra.len(),
        shown("missing", &missing),
        shown("too many", &extra)
    ))
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn lists_are_compared_with_how_often_each_is_there() {
        let strings = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let lists = |a: &[&str], b: &[&str]| same(strings(a), strings(b));
        assert_eq!(lists(&["b", "a"], &["a", "b"]), Ok(()));
        let told = lists(&["a", "c", "d"], &["a", "a", "b", "c"]).err().unwrap_or_default();
        assert!(told.starts_with("1 missing, 2 too many") && told.contains("missing d"), "{told}");
    }
}
