//! Broken rules: of one row, and counted over a unit.

use std::collections::BTreeMap;

use crate::RuleCount;

/// Examples that are kept for each rule of a unit.
const EXAMPLES_MAX: usize = 3;

/// One rule that one row broke. A row may break several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The row in its batch.
    pub(crate) row: usize,
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// The declared column's index, for rules about one.
    pub(crate) column: Option<usize>,
    /// What is wrong, with the column's name and the value.
    pub(crate) message: String,
}

/// Broken rules counted, with their first examples. Merging is independent of order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    counts: BTreeMap<(&'static str, Option<usize>), Count>,
}

#[derive(Debug, Clone, Default)]
struct Count {
    rows: u64,
    /// The smallest positions, sorted.
    examples: Vec<(u64, String)>,
}

impl Tally {
    /// Counts a broken rule at `position`, by which examples are ordered; `shown` makes the example's text.
    pub(crate) fn add(
        &mut self,
        rule: &'static str,
        column: Option<usize>,
        position: u64,
        shown: impl FnOnce() -> String,
    ) {
        let count = self.counts.entry((rule, column)).or_default();
        count.rows += 1;
        if count.examples.len() < EXAMPLES_MAX || count.examples.last().is_some_and(|(last, _)| position < *last) {
            count.keep(position, shown());
        }
    }

    /// Adds another tally of the same unit.
    pub(crate) fn merge(&mut self, other: Tally) {
        for (key, theirs) in other.counts {
            let count = self.counts.entry(key).or_default();
            count.rows += theirs.rows;
            for (position, text) in theirs.examples {
                count.keep(position, text);
            }
        }
    }

    /// The counts, most frequent first; `names` are the declared columns.
    pub(crate) fn report(&self, names: &[&str]) -> Vec<RuleCount> {
        let mut all: Vec<RuleCount> = self
            .counts
            .iter()
            .map(|((rule, column), count)| RuleCount {
                rule: (*rule).to_owned(),
                column: column.and_then(|index| names.get(index)).map(|name| (*name).to_owned()),
                rows: count.rows,
                examples: count.examples.iter().map(|(_, text)| text.clone()).collect(),
            })
            .collect();
        all.sort_by_key(|count| std::cmp::Reverse(count.rows));
        all
    }
}

impl Count {
    fn keep(&mut self, position: u64, text: String) {
        let at = self.examples.partition_point(|(other, _)| *other <= position);
        self.examples.insert(at, (position, text));
        self.examples.truncate(EXAMPLES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_the_first_examples_whatever_the_order() {
        let tally = |positions: &[u64]| {
            let mut tally = Tally::default();
            for position in positions {
                tally.add("required", Some(1), *position, || format!("line {position}"));
            }
            tally
        };
        for (first, second) in [(&[9, 2, 7][..], &[1, 8][..]), (&[1, 8][..], &[9, 2, 7][..])] {
            let mut merged = tally(first);
            merged.merge(tally(second));
            let report = merged.report(&["id", "amount"]);
            assert_eq!(report.len(), 1);
            assert_eq!((report[0].rows, report[0].column.as_deref()), (5, Some("amount")));
            assert_eq!(report[0].examples, ["line 1", "line 2", "line 7"]);
        }
    }
}
