//! Values as people write them: durations, rates, shares, versions and instants.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use millstream_core::warehouse::AsOf;

/// A duration: `500ms`, `10s`, `2m`, `1h 30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "not a duration; write 500ms, 10s, 2m or 1h".to_owned())
}

/// A size in bytes: `2GiB`, `500MB`, `64MiB`.
pub fn bytes(text: &str) -> Result<usize, String> {
    let wrong = || "not a size; write 2GiB, 512MiB or 500MB".to_owned();
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (count, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    count.parse::<usize>().ok().and_then(|count| count.checked_mul(unit)).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

/// Bootstrap servers: `kafka:9092,other:9092`.
pub fn brokers(text: &str) -> Result<String, String> {
    match text.split(',').all(|server| !server.trim().is_empty()) {
        true => Ok(text.to_owned()),
        false => Err("a server has no name; write HOST:PORT[,HOST:PORT...]".to_owned()),
    }
}

/// A whole number from 1.
pub fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("not a whole number from 1".to_owned()),
    }
}

/// A share from 0 to 1.
pub fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("not a share between 0 and 1".to_owned()),
    }
}

/// A number above 0, for example of messages a second.
pub fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("not a number above 0".to_owned()),
    }
}

/// `rate=0.01`.
pub fn faults(text: &str) -> Result<f64, String> {
    let value = text.strip_prefix("rate=").ok_or("write rate=SHARE, for example rate=0.01")?;
    share(value)
}

/// A version number, or an instant: `2025-07-01`, `2025-07-01 12:00:00`, `2025-07-01T12:00:00+02:00`. Without a zone it
/// is UTC; a day alone means its first instant.
pub fn as_of(text: &str) -> Result<AsOf, String> {
    let text = text.trim();
    if let Ok(version) = text.parse() {
        return Ok(AsOf::Version(version));
    }
    instant(text)
        .map(AsOf::Time)
        .map_err(|_| "neither a version nor an instant; write 3, 2025-07-01 or 2025-07-01T12:00:00Z".to_owned())
}

/// An instant: `2025-07-01`, `2025-07-01 12:00:00`, `2025-07-01T12:00:00+02:00`. Without a zone it is UTC; a day alone
/// means its first instant.
pub fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.with_timezone(&Utc));
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(at.and_utc());
        }
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .map(|at| at.and_utc())
        .ok_or_else(|| "not an instant; write 2025-07-01 or 2025-07-01T12:00:00Z".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn as_of_takes_versions_and_instants() {
        assert_eq!(as_of("3").unwrap(), AsOf::Version(3));
        let noon: DateTime<Utc> = "2025-07-01T12:00:00Z".parse().unwrap();
        for text in ["2025-07-01T12:00:00Z", "2025-07-01 12:00:00", "2025-07-01T14:00:00+02:00", "2025-07-01 12:00"] {
            assert_eq!(as_of(text).unwrap(), AsOf::Time(noon), "{text}");
        }
        assert_eq!(as_of("2025-07-01").unwrap(), AsOf::Time("2025-07-01T00:00:00Z".parse().unwrap()));
        for text in ["", "-1", "yesterday", "2025-13-01"] {
            assert!(as_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn brokers_have_names() {
        assert_eq!(brokers("kafka:9092,other").unwrap(), "kafka:9092,other");
        for text in ["", " ", "kafka:9092,", ",kafka:9092"] {
            assert!(brokers(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert!(duration("10").is_err());
        assert_eq!((bytes("2GiB").unwrap(), bytes("500 mb").unwrap()), (2 << 30, 500_000_000));
        for text in ["", "0GiB", "5", "GiB", "1.5GiB", "99999999999999GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert!(positive("0").is_err());
        assert!(share("1.1").is_err() && share("NaN").is_err());
        assert!(rate("0").is_err() && rate("inf").is_err());
        assert!(faults("0.01").is_err() && faults("rate=2").is_err());
        assert_eq!(faults("rate=0.01").unwrap(), 0.01);
    }
}
