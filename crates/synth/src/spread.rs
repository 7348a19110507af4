//! Picks a share of numbered things: exactly so many, spread over the whole range, at places that look random.
//!
//! The range is cut into equal windows and one thing is picked in each. So a share of 1 % picks 1 % in every file,
//! however small, and whether number `i` is picked can be told without looking at the others (chunks are independent).

use crate::rng::{Draw, Purpose};

/// Shares are kept in millionths.
pub(crate) const MILLION: u64 = 1_000_000;

/// A share of things, picked one per window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    seed: u64,
    month: u64,
    millionths: u64,
}

impl Spread {
    /// Picks `millionths` of a million.
    pub(crate) fn new(seed: u64, month: u64, millionths: u64) -> Self {
        Self { seed, month, millionths }
    }

    /// The first number of window `window`.
    fn start(&self, window: u64) -> u64 {
        // Rounded up, so that windows are disjoint and cover everything; 128 bits, because row numbers are large.
        (u128::from(window) * u128::from(MILLION)).div_ceil(u128::from(self.millionths)) as u64
    }

    /// The picks from number `from` on, ascending: number of the pick, and what is picked.
    pub(crate) fn picks_from(&self, from: u64) -> impl Iterator<Item = (u64, u64)> + use<> {
        let spread = *self;
        let first = (u128::from(from) * u128::from(spread.millionths) / u128::from(MILLION)) as u64;
        let windows = if spread.millionths == 0 { 0..0 } else { first..u64::MAX };
        windows.map(move |window| (window, spread.pick(window))).skip_while(move |(_, picked)| *picked < from)
    }

    fn pick(&self, window: u64) -> u64 {
        let start = self.start(window);
        let length = self.start(window + 1) - start;
        start + Draw::new(self.seed, Purpose::Picks, self.month, window).below_u64(length)
    }
}

/// `count` different numbers below `total`, ascending, one from each of `count` equal windows.
pub(crate) fn sample(seed: u64, month: u64, count: u64, total: u64) -> Vec<u64> {
    let edge = |window: u64| (u128::from(window) * u128::from(total) / u128::from(count.max(1))) as u64;
    // Far from the streams of `Spread`, which count windows from 0.
    let mut draw = Draw::new(seed, Purpose::Picks, month, u64::MAX);
    (0..count.min(total)).map(|window| edge(window) + draw.below_u64(edge(window + 1) - edge(window))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(millionths: u64, from: u64, to: u64) -> Vec<u64> {
        Spread::new(9, 3, millionths).picks_from(from).map(|(_, at)| at).take_while(|at| *at < to).collect()
    }

    #[test]
    fn a_share_is_kept_exactly_over_whole_windows() {
        assert_eq!(picked(10_000, 0, 100_000).len(), 1000);
        assert_eq!(picked(MILLION, 0, 50), (0..50).collect::<Vec<_>>());
        assert_eq!(picked(0, 0, 1000), Vec::<u64>::new());
        assert_eq!(picked(1, 0, 10 * MILLION).len(), 10);
        assert_eq!(picked(333_333, 0, 30_000).len(), 10_000);
    }

    #[test]
    fn chunks_see_the_same_picks_as_the_whole() {
        for share in [700_001, 10_000, 37] {
            let whole = picked(share, 0, 20_000);
            let parts: Vec<u64> = (0..20).flat_map(|part| picked(share, part * 1000, (part + 1) * 1000)).collect();
            assert_eq!(whole, parts);
        }
    }

    #[test]
    fn samples_are_distinct_and_below_the_total() {
        for (count, total) in [(0, 0), (1, 1), (10, 10), (7, 100), (3, 1_000_000)] {
            let sample = sample(1, 2, count, total);
            assert_eq!(sample.len() as u64, count);
            assert!(sample.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(sample.iter().all(|number| *number < total));
        }
    }
}
