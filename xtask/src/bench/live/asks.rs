//! Queries while messages are sent: that a reader sees what was committed, how long it waits, and how old events are to
//! one who asks again and again.

use super::curve::{Ages, Point, ages, growing};

/// How much earlier than it can be seen a commit may be dated: its file is written, then named.
const NAMING: f64 = 0.02;

/// One query, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// When it was asked.
    pub asked: f64,
    /// When the answer was there.
    pub answered: f64,
    /// Transactions in the answer.
    pub seen: u64,
}

/// What the queries of a run tell.
pub struct Asked {
    /// How many there were.
    pub count: usize,
    /// How many a second: what others get of the machine is less by them, and ages by the answers are no finer.
    pub rate: f64,
    /// Median time of a query in seconds, the start of its process in it.
    pub seconds: f64,
    /// Queries that saw less than had been committed when they were asked: none, if commits are what readers see.
    pub behind: usize,
    /// Ages by the answers.
    pub ages: Option<Ages>,
}

/// Compares answers with commits.
pub fn compare(asks: &[Ask], sent: &[Point], committed: &[Point], before: u64) -> Asked {
    let mut times: Vec<f64> = asks.iter().map(|ask| ask.answered - ask.asked).collect();
    times.sort_by(f64::total_cmp);
    let behind = asks.iter().filter(|ask| {
        let by_then = committed.iter().rev().find(|point| point.at + NAMING <= ask.asked);
        by_then.is_some_and(|point| ask.seen < point.count)
    });
    let answers = growing(asks.iter().map(|ask| Point { at: ask.answered, count: ask.seen }));
    let span = asks.last().zip(asks.first()).map_or(0.0, |(last, first)| last.answered - first.asked);
    Asked {
        count: asks.len(),
        rate: asks.len() as f64 / span,
        seconds: times.get(times.len() / 2).copied().unwrap_or(f64::NAN),
        behind: behind.count(),
        ages: ages(sent, &answers, before),
    }
}
