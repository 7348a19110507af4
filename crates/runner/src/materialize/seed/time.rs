//! Dates and times as people and spreadsheets write them, in the form that the cast to a type takes.

use std::borrow::Cow;

/// `2025-6-1 8:05` as `2025-06-01 08:05:00`; `6/1/2025`, which warehouses read as month, day, year, likewise. Anything
/// else comes back as it is.
pub(super) fn written_out(cell: &str) -> Cow<'_, str> {
    let (day, rest) = cell.split_at(cell.find([' ', 'T']).unwrap_or(cell.len()));
    let Some(day) = date(day) else { return cell.into() };
    let mut rest = rest.chars();
    match rest.next() {
        Some(between) => format!("{day}{between}{}", clock(rest.as_str())).into(),
        None => day.into(),
    }
}

fn is_number(text: &str, digits: std::ops::RangeInclusive<usize>) -> bool {
    digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn date(text: &str) -> Option<String> {
    let separator = if text.contains('/') { '/' } else { '-' };
    let parts: Vec<&str> = text.split(separator).collect();
    let [first, second, third] = parts[..] else { return None };
    let (year, month, day) =
        if separator == '/' && is_number(third, 4..=4) { (third, first, second) } else { (first, second, third) };
    let is_date = is_number(year, 4..=4) && is_number(month, 1..=2) && is_number(day, 1..=2);
    is_date.then(|| format!("{year}-{month:0>2}-{day:0>2}"))
}

/// Hours, minutes and seconds with two digits each; what stands behind the seconds stays.
fn clock(text: &str) -> Cow<'_, str> {
    let mut parts = text.splitn(3, ':');
    let (Some(hour), Some(minute)) = (parts.next(), parts.next()) else { return text.into() };
    if !is_number(hour, 1..=2) || !is_number(minute, 1..=2) {
        return text.into();
    }
    let second = parts.next().unwrap_or("00");
    let digits = second.find(|c: char| !c.is_ascii_digit()).unwrap_or(second.len());
    let zero = if digits == 1 { "0" } else { "" };
    format!("{hour:0>2}:{minute:0>2}:{zero}{second}").into()
}

#[cfg(test)]
mod tests {
    use super::written_out;

    #[test]
    fn short_forms_get_their_zeros() {
        assert_eq!(written_out("2025-6-1"), "2025-06-01");
        assert_eq!(written_out("2025-06-01 3:58:54"), "2025-06-01 03:58:54");
        assert_eq!(written_out("2025-06-01T8:05"), "2025-06-01T08:05:00");
        assert_eq!(written_out("2025-06-01 8:05:7.25+02:00"), "2025-06-01 08:05:07.25+02:00");
        assert_eq!(written_out("2/28/2025 0:00"), "2025-02-28 00:00:00");
        assert_eq!(written_out("2025/2/3"), "2025-02-03");
    }

    #[test]
    fn everything_else_stays() {
        for text in ["", "2025-06-01 12:30+02:00", "25-6-1", "June", "2025-06", "2025-06-01 noon", "1/2/3"] {
            assert_eq!(written_out(text), text);
        }
    }
}
