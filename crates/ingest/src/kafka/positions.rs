//! Where each partition goes on, and whether the broker still has what comes next.
//!
//! The raw table's positions are the final word. Quarantine is committed before it, so that after a crash
//! quarantine can be ahead; its rows beyond the raw position are then taken out before anything is read, by the id of
//! the load that wrote them ([`Positions::load_id`]). Nothing of that load is trusted, because the contract may have
//! changed.
//!
//! Beside the positions the raw table's commits say which message was loaded last of each partition ([`Last`]), by which a
//! topic that was made anew is told from the one that was read, and how many times a position has gone back (the epoch).
//! Tables of earlier versions have neither: then nothing is compared, and the epoch is 0.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use millstream_core::warehouse::TableState;

use super::client::Watermarks;

/// The position of a partition from which nothing is in a table.
const NOTHING: i64 = -1;

/// The id of a partition's position; its value is the next offset.
pub(crate) fn position_id(topic: &str, partition: i32) -> String {
    format!("kafka:{topic}/{partition}")
}

/// The id of a topic's epoch: how many times one of its positions has gone back.
pub(crate) fn epoch_id(topic: &str) -> String {
    format!("kafka-epoch:{topic}")
}

/// The message of a partition that was loaded last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) offset: i64,
    /// Its time in microseconds, as its producer or broker set it.
    pub(crate) time: i64,
}

impl Last {
    const IDS: [&str; 2] = ["kafka-last-offset", "kafka-last-time"];

    /// Its positions, or those that say that there is none.
    pub(crate) fn ids(last: Option<Self>, topic: &str, partition: i32) -> [(String, i64); 2] {
        let values = last.map_or([NOTHING, NOTHING], |last| [last.offset, last.time]);
        let [offset, time] = Self::IDS.map(|id| format!("{id}:{topic}/{partition}"));
        [(offset, values[0]), (time, values[1])]
    }
}

/// Next offsets of a topic's partitions as one table's commits say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Positions {
    next: BTreeMap<i32, i64>,
    last: BTreeMap<i32, Last>,
    epoch: i64,
}

impl Positions {
    /// Reads a table's positions of `topic`.
    pub(crate) fn new(state: Option<&TableState>, topic: &str) -> Self {
        let Some(state) = state else { return Self::default() };
        let of = |kind: &str| -> BTreeMap<i32, i64> {
            let prefix = format!("{kind}:{topic}/");
            let found = state.positions.iter().filter_map(|(id, value)| Some((id.strip_prefix(&prefix)?, *value)));
            found.filter_map(|(partition, value)| Some((partition.parse().ok()?, value))).collect()
        };
        let [offsets, times] = Last::IDS.map(of);
        let last = offsets.into_iter().filter(|(_, offset)| *offset != NOTHING).filter_map(|(partition, offset)| {
            let time = times.get(&partition).copied()?;
            Some((partition, Last { offset, time }))
        });
        let epoch = state.positions.get(&epoch_id(topic)).copied().unwrap_or_default();
        Self { next: of("kafka"), last: last.collect(), epoch }
    }
    /// The next offset of a partition, where anything of it was ever committed.
    pub(crate) fn next(&self, partition: i32) -> Option<i64> {
        self.next.get(&partition).copied().filter(|next| *next != NOTHING)
    }
    /// The stored value, for [`millstream_core::warehouse::Commit::expected`].
    pub(crate) fn stored(&self, partition: i32) -> Option<i64> {
        self.next.get(&partition).copied()
    }
    /// The message that was loaded last of a partition, where that is known.
    pub(crate) fn last(&self, partition: i32) -> Option<Last> {
        self.last.get(&partition).copied()
    }
    /// How many times a position of the topic has gone back.
    pub(crate) fn epoch(&self) -> i64 {
        self.epoch
    }
    /// Follows a commit.
    pub(crate) fn set(&mut self, partition: i32, next: i64) {
        self.next.insert(partition, next);
    }
    /// Follows what a commit says beside the positions.
    pub(crate) fn mark(&mut self, last: BTreeMap<i32, Option<Last>>, epoch: Option<i64>) {
        for (partition, last) in last {
            match last {
                Some(last) => drop(self.last.insert(partition, last)),
                None => drop(self.last.remove(&partition)),
            }
        }
        self.epoch = epoch.unwrap_or(self.epoch);
    }
    /// The id of the load that starts from here. It is the same for a load that is done again from the same
    /// positions, and another after each commit: within an epoch positions only grow, and each commit moves one.
    pub(crate) fn load_id(&self, topic: &str) -> String {
        let sum: i128 = self.next.values().filter(|next| **next != NOTHING).map(|next| i128::from(*next)).sum();
        match self.epoch {
            0 => format!("kafka:{topic}@{sum}"),
            epoch => format!("kafka:{topic}@{sum}.{epoch}"),
        }
    }
    /// Partitions in which `self` (quarantine) is ahead of the raw table, with the position to go back to.
    pub(crate) fn ahead_of(&self, raw: &Positions) -> Vec<(i32, i64)> {
        let back = |partition: &i32| raw.next(*partition).unwrap_or(NOTHING);
        self.next
            .iter()
            .map(|(partition, next)| (*partition, *next, back(partition)))
            .filter(|(_, next, back)| next > back)
            .map(|(partition, _, back)| (partition, back))
            .collect()
    }
}

/// The time of the newest of the messages that were loaded last of a topic's partitions, as its raw table says.
pub fn newest_message(raw: &TableState, topic: &str) -> Option<DateTime<Utc>> {
    let newest = Positions::new(Some(raw), topic).last.values().map(|last| last.time).max()?;
    DateTime::from_timestamp_micros(newest)
}

/// Offsets that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) partition: i32,
    /// The offset that should have come next.
    pub(crate) from: i64,
    /// The offset at which reading can go on.
    pub(crate) to: i64,
    /// What has become of them.
    pub(crate) why: Missing,
}

/// Why offsets are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The broker has removed them.
    Removed,
    /// The topic ends before the next one: it was made anew, or lost its end.
    Ended,
    /// Another message stands where the last one that was loaded should: it was made anew, and has grown past it.
    Replaced,
}

/// Where a partition starts: at its position, at the earliest offset when it has none, or behind a gap.
pub(crate) fn start(partition: i32, position: Option<i64>, marks: Watermarks) -> Result<i64, Gap> {
    let Some(from) = position else { return Ok(marks.low) };
    let why = match from {
        from if from > marks.high => Missing::Ended,
        from if from < marks.low => Missing::Removed,
        from => return Ok(from),
    };
    Err(Gap { partition, from, to: marks.low, why })
}

impl Gap {
    /// What to tell about it.
    pub(crate) fn describe(&self, topic: &str) -> String {
        let Gap { partition, from, to, why } = self;
        match why {
            Missing::Removed => {
                format!("{topic}/{partition}: offsets {from} to {} are no longer at the broker", to - 1)
            }
            Missing::Ended => format!(
                "{topic}/{partition}: the next offset is {from}, but the topic ends before it: it was made anew"
            ),
            Missing::Replaced => format!(
                "{topic}/{partition}: the next offset is {from}, but the message before it is not the one that was \
                 loaded: the topic was made anew"
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
        assert_eq!(start(0, Some(9), marks), Err(Gap { partition: 0, from: 9, to: 10, why: Missing::Removed }));
        assert_eq!(start(0, Some(21), marks), Err(Gap { partition: 0, from: 21, to: 10, why: Missing::Ended }));
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

    #[test]
    fn what_commits_say_is_read_back() {
        let mut state = TableState {
            version: 1,
            schema: crate::quarantine::quarantine_schema(),
            positions: [("kafka:t/0".to_owned(), 9), ("kafka:t/1".to_owned(), 5), ("kafka:tt/2".to_owned(), 3)].into(),
        };
        let before = Positions::new(Some(&state), "t");
        assert_eq!((before.next(0), before.next(2), before.last(0), before.epoch()), (Some(9), None, None, 0));
        assert_eq!(before.load_id("t"), "kafka:t@14", "as earlier versions have it");
        let last = Last { offset: 7, time: 70 };
        state.positions.extend(Last::ids(Some(last), "t", 0));
        state.positions.extend(Last::ids(None, "t", 1));
        state.positions.insert(epoch_id("t"), 2);
        let after = Positions::new(Some(&state), "t");
        assert_eq!((after.last(0), after.last(1), after.load_id("t").as_str()), (Some(last), None, "kafka:t@14.2"));
        assert_eq!(newest_message(&state, "t"), DateTime::from_timestamp_micros(70));
        assert_eq!(newest_message(&state, "tt"), None);
        let mut followed = before;
        followed.mark([(0, Some(last)), (1, None)].into(), Some(2));
        assert_eq!(followed, after);
    }
}
