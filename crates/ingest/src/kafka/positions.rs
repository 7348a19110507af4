//! Where each partition goes on, and whether the broker still has what comes next.
//!
//! The raw table's positions are the final word. Quarantine is committed before it, so that after a crash
//! quarantine can be ahead; its rows beyond the raw position are then taken out before anything is read, by the id of
//! the load that wrote them ([`load_id`]). Nothing of that load is trusted, because the contract may have changed.

use std::collections::BTreeMap;

use millstream_core::warehouse::TableState;

use super::client::Watermarks;

/// The position of a partition from which nothing is in a table.
const NOTHING: i64 = -1;

/// The id of a partition's position; its value is the next offset.
pub(crate) fn position_id(topic: &str, partition: i32) -> String {
    format!("kafka:{topic}/{partition}")
}

/// Next offsets of a topic's partitions as one table's commits say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Positions(BTreeMap<i32, i64>);

impl Positions {
    /// Reads a table's positions of `topic`.
    pub(crate) fn new(state: Option<&TableState>, topic: &str) -> Self {
        let prefix = format!("kafka:{topic}/");
        let positions = state.map(|state| &state.positions).into_iter().flatten();
        let of_topic = positions.filter_map(|(id, next)| Some((id.strip_prefix(&prefix)?.parse().ok()?, *next)));
        Self(of_topic.collect())
    }
    /// The next offset of a partition, where anything of it was ever committed.
    pub(crate) fn next(&self, partition: i32) -> Option<i64> {
        self.0.get(&partition).copied().filter(|next| *next != NOTHING)
    }
    /// The stored value, for [`millstream_core::warehouse::Commit::expected`].
    pub(crate) fn stored(&self, partition: i32) -> Option<i64> {
        self.0.get(&partition).copied()
    }
    /// Follows a commit.
    pub(crate) fn set(&mut self, partition: i32, next: i64) {
        self.0.insert(partition, next);
    }
    /// The id of the load that starts from here. It is the same for a load that is done again from the same
    /// positions, and another after each commit: positions only grow, and each commit moves one.
    pub(crate) fn load_id(&self, topic: &str) -> String {
        let sum: i128 = self.0.values().filter(|next| **next != NOTHING).map(|next| i128::from(*next)).sum();
        format!("kafka:{topic}@{sum}")
    }
    /// Partitions in which `self` (quarantine) is ahead of the raw table, with the position to go back to.
    pub(crate) fn ahead_of(&self, raw: &Positions) -> Vec<(i32, i64)> {
        let back = |partition: &i32| raw.next(*partition).unwrap_or(NOTHING);
        self.0
            .iter()
            .map(|(partition, next)| (*partition, *next, back(partition)))
            .filter(|(_, next, back)| next > back)
            .map(|(partition, _, back)| (partition, back))
            .collect()
    }
}

/// Offsets that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) partition: i32,
    /// The offset that should have come next.
    pub(crate) from: i64,
    /// The offset at which reading can go on.
    pub(crate) to: i64,
    /// The topic ends before `from`: it was made anew, or lost its end.
    pub(crate) made_anew: bool,
}

/// Where a partition starts: at its position, at the earliest offset when it has none, or behind a gap.
pub(crate) fn start(partition: i32, position: Option<i64>, marks: Watermarks) -> Result<i64, Gap> {
    let Some(from) = position else { return Ok(marks.low) };
    let made_anew = from > marks.high;
    if from < marks.low || made_anew {
        return Err(Gap { partition, from, to: marks.low, made_anew });
    }
    Ok(from)
}

impl Gap {
    /// What to tell about it.
    pub(crate) fn describe(&self, topic: &str) -> String {
        let Gap { partition, from, to, made_anew } = self;
        match made_anew {
            false => format!("{topic}/{partition}: offsets {from} to {} are no longer at the broker", to - 1),
            true => format!(
                "{topic}/{partition}: the next offset is {from}, but the topic ends before it: it was made anew"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_start_where_the_table_says_or_tell_the_gap() {
        let marks = Watermarks { low: 10, high: 20 };
        assert_eq!(start(0, None, marks), Ok(10));
        assert_eq!(start(0, Some(10), marks), Ok(10));
        assert_eq!(start(0, Some(20), marks), Ok(20));
        assert_eq!(start(0, Some(9), marks), Err(Gap { partition: 0, from: 9, to: 10, made_anew: false }));
        assert_eq!(start(0, Some(21), marks), Err(Gap { partition: 0, from: 21, to: 10, made_anew: true }));
    }

    #[test]
    fn a_load_that_is_done_again_has_the_same_id() {
        let mut positions = Positions::default();
        let first = positions.load_id("t");
        positions.set(1, NOTHING);
        assert_eq!(positions.load_id("t"), first);
        positions.set(1, 5);
        assert_ne!(positions.load_id("t"), first);
        assert_eq!(positions.ahead_of(&Positions::default()), [(1, NOTHING)]);
        assert_eq!(positions.ahead_of(&positions), []);
    }
}
