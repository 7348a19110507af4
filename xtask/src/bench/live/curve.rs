//! Two curves over time, what was sent and what is visible, and the ages between them.
//!
//! Events count in the order of their times: the n-th is visible with the first point that holds n. Where a side shows
//! events in another order, single ages differ from these, but not their mean.

/// A moment in seconds since 1970, and how many events there were by then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The moment.
    pub at: f64,
    /// Events since the beginning.
    pub count: u64,
}

/// How old events were when they became visible, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ages {
    /// Half of them were no older.
    pub p50: f64,
    /// 99 of 100 were no older.
    pub p99: f64,
    /// The oldest.
    pub largest: f64,
}

/// Ages of the events behind the first `before`; `None` when there are none or not all of them are visible.
pub fn ages(sent: &[Point], visible: &[Point], before: u64) -> Option<Ages> {
    let mut spans: Vec<(f64, u64)> = Vec::new();
    let (mut done, mut shown) = (before, 0);
    for point in sent {
        while done < point.count {
            let seen = visible.get(shown)?;
            let until = seen.count.min(point.count);
            if until > done {
                spans.push((seen.at - point.at, until - done));
                done = until;
            }
            if done < point.count {
                shown += 1;
            }
        }
    }
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total = done - before;
    let quantile = |share: f64| {
        let rank = ((total as f64 * share).ceil() as u64).max(1);
        let mut sum = 0;
        spans.iter().find(|(_, count)| {
            sum += count;
            sum >= rank
        })
    };
    Some(Ages { p50: quantile(0.5)?.0, p99: quantile(0.99)?.0, largest: spans.last()?.0 })
}

/// Only the points at which the count grew.
pub fn growing(points: impl IntoIterator<Item = Point>) -> Vec<Point> {
    let mut grown: Vec<Point> = Vec::new();
    for point in points {
        if grown.last().is_none_or(|last| point.count > last.count) {
            grown.push(point);
        }
    }
    grown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(of: &[(f64, u64)]) -> Vec<Point> {
        of.iter().map(|(at, count)| Point { at: *at, count: *count }).collect()
    }

    #[test]
    fn each_event_is_as_old_as_the_first_point_that_holds_it() {
        let sent = points(&[(10.0, 50), (11.0, 100)]);
        let visible = points(&[(10.5, 20), (12.0, 99), (20.0, 100)]);
        assert_eq!(ages(&sent, &visible, 0), Some(Ages { p50: 1.0, p99: 2.0, largest: 9.0 }));
    }

    #[test]
    fn events_before_do_not_count_and_all_must_be_visible() {
        let sent = points(&[(10.0, 60), (11.0, 100)]);
        let visible = points(&[(9.0, 50), (10.25, 60), (11.25, 100)]);
        assert_eq!(ages(&sent, &visible, 50), Some(Ages { p50: 0.25, p99: 0.25, largest: 0.25 }));
        assert_eq!(ages(&sent, &visible[..2], 50), None);
        assert_eq!(ages(&sent, &visible, 100), None);
    }

    #[test]
    fn only_growth_is_kept() {
        let grown = growing(points(&[(1.0, 0), (2.0, 5), (3.0, 5), (4.0, 4), (5.0, 6)]));
        assert_eq!(grown, points(&[(1.0, 0), (2.0, 5), (5.0, 6)]));
    }
}
