//! Time zones by name.

use chrono::offset::LocalResult;
use chrono::{DateTime, Offset, TimeDelta, TimeZone};

/// A time zone of the IANA database.
#[derive(Debug, Clone, Copy)]
pub(in crate::snowflake) struct Zone(chrono_tz::Tz);

/// Finds a zone; the case of letters does not matter.
///
/// # Errors
/// A sentence that says which name is unknown.
pub(in crate::snowflake) fn zone(name: &str) -> Result<Zone, String> {
    let wanted = name.trim();
    chrono_tz::TZ_VARIANTS
        .iter()
        .find(|zone| zone.name().eq_ignore_ascii_case(wanted))
        .map(|zone| Zone(*zone))
        .ok_or_else(|| format!("there is no time zone '{name}'; write one like Europe/Berlin or UTC"))
}

impl Zone {
    /// The wall clock in this zone at an instant, both as microseconds.
    pub(in crate::snowflake) fn wall(self, instant: i64) -> Option<i64> {
        let at = DateTime::from_timestamp_micros(instant)?;
        let offset = self.0.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
        instant.checked_add(i64::from(offset) * 1_000_000)
    }

    /// The instant at which the wall clock shows this. Of two, the first; a time that clocks leap over counts with the
    /// offset from before.
    pub(in crate::snowflake) fn instant(self, wall: i64) -> Option<i64> {
        let at = DateTime::from_timestamp_micros(wall)?.naive_utc();
        let offset = match self.0.offset_from_local_datetime(&at) {
            LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => offset.fix().local_minus_utc(),
            LocalResult::None => {
                let before = at.checked_sub_signed(TimeDelta::hours(3))?;
                match self.0.offset_from_local_datetime(&before) {
                    LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => offset.fix().local_minus_utc(),
                    LocalResult::None => return None,
                }
            }
        };
        wall.checked_sub(i64::from(offset) * 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn summer_time_counts() {
        let berlin = zone("europe/berlin").unwrap();
        let winter = 1_705_320_000_000_000;
        let summer = 1_721_044_800_000_000;
        assert_eq!(berlin.wall(winter).unwrap() - winter, 3_600_000_000);
        assert_eq!(berlin.wall(summer).unwrap() - summer, 7_200_000_000);
        assert_eq!(berlin.instant(berlin.wall(summer).unwrap()), Some(summer));
        assert!(zone("Mars/Base").is_err());
    }
}
