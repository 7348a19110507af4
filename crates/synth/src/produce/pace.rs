//! How fast messages are made, and when the next one is due.

use std::time::Duration;

use millstream_core::{Error, Result};

/// How fast messages are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// One message every so often; the first at once.
    Every(Duration),
    /// So many messages a second, spread evenly within each [`Pace::TICK`].
    PerSecond(f64),
    /// As fast as the broker takes them.
    Unlimited,
}

impl Pace {
    /// The longest nap between two looks at the clock and the stop flag.
    pub const TICK: Duration = Duration::from_millis(20);

    pub(super) fn check(self) -> Result<()> {
        match self {
            Pace::Every(interval) if interval.is_zero() => {
                Err(Error::usage("the interval is zero").hint("give a duration such as 10s or 250ms"))
            }
            Pace::PerSecond(rate) if !(rate.is_finite() && rate > 0.0) => {
                Err(Error::usage(format!("the rate {rate} is no number of messages a second"))
                    .hint("give a number above 0"))
            }
            _ => Ok(()),
        }
    }

    /// How many messages should have been made after `elapsed`.
    pub(super) fn due(self, elapsed: Duration) -> u64 {
        match self {
            Pace::Every(interval) => (elapsed.as_nanos() / interval.as_nanos().max(1)) as u64 + 1,
            // One at once, as with an interval.
            Pace::PerSecond(rate) => (elapsed.as_secs_f64() * rate) as u64 + 1,
            Pace::Unlimited => u64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_fall_due_evenly() {
        let (second, ten) = (Duration::from_secs(1), Duration::from_secs(10));
        let every = Pace::Every(ten);
        assert_eq!([every.due(Duration::ZERO), every.due(second), every.due(ten), every.due(3 * ten)], [1, 1, 2, 4]);
        let rate = Pace::PerSecond(200_000.0);
        assert_eq!([rate.due(Duration::ZERO), rate.due(second / 100), rate.due(second)], [1, 2001, 200_001]);
        assert_eq!(Pace::PerSecond(0.5).due(4 * second), 3);
        assert_eq!(Pace::Unlimited.due(Duration::ZERO), u64::MAX);
    }

    #[test]
    fn a_pace_must_move() {
        for pace in [Pace::Every(Duration::ZERO), Pace::PerSecond(0.0), Pace::PerSecond(f64::NAN)] {
            assert!(pace.check().is_err(), "{pace:?}");
        }
        assert!(Pace::PerSecond(0.1).check().is_ok());
    }
}
