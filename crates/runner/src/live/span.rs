//! Spans of time as people write them: `1 second`, `5 minutes`, `30s`, `2h`.

use std::time::Duration;

/// The longest span: 100 years.
const SECONDS_MAX: u64 = 100 * 366 * 24 * 3600;

/// Reads a span; none when the text is none, or longer than a hundred years.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0)?;
    let (count, unit) = text.split_at(digits);
    let count: u64 = count.parse().ok()?;
    let unit = unit.trim().to_ascii_lowercase();
    if matches!(unit.as_str(), "ms" | "millisecond" | "milliseconds") {
        return Some(Duration::from_millis(count)).filter(|span| span.as_secs() <= SECONDS_MAX);
    }
    let seconds = match unit.as_str() {
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 24 * 3600,
        _ => return None,
    };
    count.checked_mul(seconds).filter(|seconds| *seconds <= SECONDS_MAX).map(Duration::from_secs)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_number_and_a_unit() {
        let seconds = |text: &str| parse(text).map(|span| span.as_secs_f64());
        assert_eq!(seconds("1 second"), Some(1.0));
        assert_eq!(seconds(" 5 minutes "), Some(300.0));
        assert_eq!(seconds("2 HOURS"), Some(7200.0));
        assert_eq!(seconds("1 day"), Some(86_400.0));
        assert_eq!(seconds("250ms"), Some(0.25));
        assert_eq!(seconds("30s"), Some(30.0));
        for wrong in ["", "second", "1", "1 fortnight", "-1 s", "1.5 s", "99999999999999999999 s"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert!(parse(&format!("{SECONDS_MAX} s")).is_some(), "at the limit");
        assert!(parse(&format!("{} s", SECONDS_MAX + 1)).is_none(), "one past it");
    }
}
