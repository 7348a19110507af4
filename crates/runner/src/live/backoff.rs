//! Pauses between attempts: they double up to a limit, and are spread, so that many that failed together do not try
//! again together.

use std::time::Duration;

use crate::Ids;

/// How long to pause between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    /// After the first failure.
    pub(crate) first: Duration,
    /// At most.
    pub(crate) most: Duration,
}

impl Backoff {
    /// The pause after so many failures in a row. `jitter` between 0 and 1 takes away up to half of it.
    pub(crate) fn pause(&self, failures: u32, jitter: f64) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(doubled).min(self.most);
        whole.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
    }
}

/// A number between 0 and 1 that is another one each time, from the seam to randomness.
pub(crate) fn jitter(ids: &dyn Ids) -> f64 {
    f64::from(crc32c::crc32c(ids.invocation_id().as_bytes())) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_and_are_spread() {
        let backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(10) };
        let seconds = |failures, jitter| backoff.pause(failures, jitter).as_secs_f64();
        assert_eq!([1, 2, 3, 4, 5].map(|failures| seconds(failures, 0.0)), [1.0, 2.0, 4.0, 8.0, 10.0]);
        assert_eq!(seconds(1, 1.0), 0.5);
        assert_eq!(seconds(u32::MAX, 0.0), 10.0);
        assert_eq!(seconds(0, 0.0), 1.0);
    }
}
