//! The order of values: by kind first, then by value. Numbers of all kinds compare as numbers.

use std::cmp::Ordering;

use super::scan::{Kind, elements, kind, members};

/// Compares two canonical values.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let (left_kind, right_kind) = (kind(left), kind(right));
    match (left_kind, right_kind) {
        (Kind::Integer | Kind::Decimal, Kind::Integer | Kind::Decimal) => exact(left, right),
        (left_kind, right_kind) if left_kind.is_number() && right_kind.is_number() => {
            let value = |json: &str| json.parse::<f64>().unwrap_or(f64::NAN);
            value(left).total_cmp(&value(right))
        }
        (Kind::Array, Kind::Array) => elements(left)
            .zip(elements(right))
            .map(|(left, right)| compare(left, right))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| elements(left).count().cmp(&elements(right).count())),
        (Kind::Object, Kind::Object) => members(left)
            .zip(members(right))
            .map(|(left, right)| left.0.cmp(right.0).then_with(|| compare(left.1, right.1)))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| members(left).count().cmp(&members(right).count())),
        (left_kind, right_kind) if rank(left_kind) == rank(right_kind) => left.cmp(right),
        (left_kind, right_kind) => rank(left_kind).cmp(&rank(right_kind)),
    }
}

/// Nulls after everything else, as SQL nulls.
fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Boolean => 0,
        Kind::Integer | Kind::Decimal | Kind::Double => 1,
        Kind::Text => 2,
        Kind::Array => 3,
        Kind::Object => 4,
        Kind::Null => 5,
        Kind::Undefined => 6,
    }
}

/// Compares numbers in canonical digits, however many.
fn exact(left: &str, right: &str) -> Ordering {
    let split = |text: &str| -> (bool, String, String) {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        (negative, whole.to_owned(), fraction.to_owned())
    };
    let (left, right) = (split(left), split(right));
    match (left.0, right.0) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (negative, _) => {
            let order =
                left.1.len().cmp(&right.1.len()).then_with(|| left.1.cmp(&right.1)).then_with(|| left.2.cmp(&right.2));
            if negative { order.reverse() } else { order }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers_and_kinds_have_an_order() {
        let sorted = [
            "false", "true", "-10", "-9.5", "0", "1.5e0", "9", "10", "10.01", "\"a\"", "[1]", "[1,2]", "[2]", "{}",
            "null",
        ];
        for pair in sorted.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        assert_eq!(compare("1e0", "1"), Ordering::Equal);
    }
}
