//! The offset at which a partition ends, as librdkafka tells it.
//!
//! librdkafka tells the end of a partition when what it has fetched reaches the broker's end: in the queue of messages,
//! behind all that come before the end, and with the offset where it fetches next. That is behind transaction markers,
//! messages of aborted transactions and batches that compaction has emptied too, none of which is a message to us.
//! rust-rdkafka keeps of that the partition, and the offset only in the text, so that it is read there.
//!
//! Guarantees: an offset is that of the end that was told last, or none; a text of another form gives none, and then a
//! position is behind the last message only.

use std::sync::atomic::{AtomicI64, Ordering};

/// Stands for no offset.
const NONE: i64 = -1;

/// What librdkafka's text has before the offset.
const BEFORE_OFFSET: &str = " reached end of partition at offset ";

/// The offset of the end that was told last.
#[derive(Debug)]
pub(crate) struct EndTold(AtomicI64);

impl Default for EndTold {
    fn default() -> Self {
        Self(AtomicI64::new(NONE))
    }
}

impl EndTold {
    /// An end was told in these words.
    pub(crate) fn tell(&self, words: &str) {
        self.0.store(offset(words).unwrap_or(NONE), Ordering::Relaxed);
    }

    /// The offset of the end that was told since this was asked last.
    pub(crate) fn take(&self) -> Option<i64> {
        Some(self.0.swap(NONE, Ordering::Relaxed)).filter(|offset| *offset != NONE)
    }
}

fn offset(words: &str) -> Option<i64> {
    let (_, rest) = words.split_once(BEFORE_OFFSET)?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_read_once_and_never_guessed() {
        let told = EndTold::default();
        assert_eq!(told.take(), None);
        told.tell("Fetch from broker 1 reached end of partition at offset 46 (HighwaterMark 60)");
        assert_eq!((told.take(), told.take()), (Some(46), None));
        told.tell("Fetch from broker 1 reached end of partition at offset 7");
        for words in ["", "Broker: No more messages", "Fetch from broker 1 reached end of partition at offset -1"] {
            told.tell(words);
            assert_eq!(told.take(), None, "{words}");
        }
    }
}
