//! The demo's time for messages: it starts after the last file and moves on by itself, so that the same seed gives the
//! same messages whenever the demo is run.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, Utc};
use millstream_core::Clock;

/// Time between two readings.
const STEP_S: i64 = 61;

/// A clock that moves on with every reading.
pub struct SteppingClock {
    start: DateTime<Utc>,
    readings: AtomicI64,
}

impl SteppingClock {
    /// Starts at an instant.
    pub fn new(start: DateTime<Utc>) -> Self {
        Self { start, readings: AtomicI64::new(0) }
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> DateTime<Utc> {
        self.start + Duration::seconds(STEP_S * self.readings.fetch_add(1, Ordering::SeqCst))
    }
}
