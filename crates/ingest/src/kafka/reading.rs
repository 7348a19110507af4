//! How far a partition has been read.
//!
//! Guarantees: what comes next is never behind a message that has not come. Once the end of the log was reached it is
//! that, whether or not the last offsets hold messages: transaction markers, aborted messages and what compaction has
//! taken away are none. A topic that was made anew under the same name is told from the one that was read by the time of
//! the message that was loaded last, if that is still in its place.

use super::positions::Last;

/// A partition that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Everything before this offset is committed.
    pub(crate) from: i64,
    /// The next offset.
    pub(crate) next: i64,
    /// Where to stop; none when following.
    pub(crate) end: Option<i64>,
    /// The end of the log was reached. That ends the work even where `next` is before `end`, because the log has lost
    /// its end since.
    pub(crate) at_end: bool,
    /// The message that was loaded last, until it was looked at whether it is still there.
    pub(crate) last: Option<Last>,
}

impl Reading {
    /// Reads from `next` on, up to `end` or without one.
    pub(crate) fn new(next: i64, end: Option<i64>) -> Self {
        Self { from: next, next, end, at_end: false, last: None }
    }

    /// Where fetching begins: at the message that was loaded last, where there is one to be looked at.
    pub(crate) fn begin(&self) -> i64 {
        self.last.map_or(self.next, |last| last.offset)
    }

    /// Whether a message stands in the place of the one that was loaded last and is another. It is looked at once; where
    /// the broker has removed that message, nothing can be told.
    pub(crate) fn is_another(&mut self, offset: i64, time: impl FnOnce() -> Option<i64>) -> bool {
        let Some(last) = self.last.take_if(|last| offset >= last.offset) else { return false };
        offset == last.offset && time() != Some(last.time)
    }

    /// A message has come: whether it is to be read. It is not when it is beyond the end that was seen at the start, or
    /// left over from before a new assignment.
    pub(crate) fn message(&mut self, offset: i64) -> bool {
        if offset < self.next {
            return false;
        }
        // Messages come in their order, so that none is to come before this one.
        match self.end {
            Some(end) if offset >= end => {
                self.next = self.next.max(end);
                false
            }
            _ => {
                self.next = offset + 1;
                true
            }
        }
    }

    /// The end of the log was reached, at this offset where it was told: all messages before it have come, because it
    /// is told behind them. The last offsets need not hold any.
    pub(crate) fn end_reached(&mut self, told: Option<i64>) {
        self.at_end = true;
        if let Some(told) = told {
            // Messages between the end that was seen at the start and this one were passed over.
            self.next = self.next.max(self.end.map_or(told, |end| told.min(end)));
        }
    }

    /// Whether everything that is due has been read.
    pub(crate) fn is_drained(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end || self.at_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_that_was_loaded_last_is_looked_at_once() {
        let reading = Reading { last: Some(Last { offset: 7, time: 70 }), ..Reading::new(9, None) };
        assert_eq!((reading.begin(), Reading::new(9, None).begin()), (7, 9));
        let is_another = |offset, time| {
            let mut reading = reading;
            (reading.is_another(offset, || time), reading.last.is_none())
        };
        assert_eq!(is_another(7, Some(70)), (false, true));
        assert_eq!(is_another(7, Some(71)), (true, true));
        assert_eq!(is_another(7, None), (true, true));
        assert_eq!(is_another(6, Some(1)), (false, false), "left over");
        assert_eq!(is_another(8, Some(80)), (false, true), "it is gone");
    }

    #[test]
    fn what_comes_next_is_behind_the_end_and_never_behind_a_message_that_has_not_come() {
        let mut following = Reading::new(5, None);
        assert!(following.message(5) && following.message(8), "offsets in between hold no messages");
        assert!(!following.message(7), "left over");
        following.end_reached(None);
        assert_eq!(following.next, 9, "an end that is not told moves nothing");
        following.end_reached(Some(7));
        assert_eq!(following.next, 9, "nothing goes back");
        following.end_reached(Some(12));
        assert_eq!((following.next, following.from, following.is_drained()), (12, 5, false));
        assert!(following.message(12));

        let mut draining = Reading::new(5, Some(10));
        assert!(draining.message(6));
        draining.end_reached(Some(15));
        assert_eq!((draining.next, draining.is_drained()), (10, true), "messages from 10 on were passed over");
        let mut draining = Reading::new(5, Some(10));
        assert!(draining.message(7) && !draining.message(11));
        assert_eq!((draining.next, draining.is_drained()), (10, true), "8 and 9 hold no messages");
        let mut shortened = Reading::new(5, Some(10));
        shortened.end_reached(Some(8));
        assert_eq!((shortened.next, shortened.is_drained()), (8, true));
    }
}
