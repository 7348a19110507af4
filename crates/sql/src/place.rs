//! Places in SQL text.

use millstream_core::Place;

/// File name of places in SQL text whose file is not known here.
pub const SQL_FILE: &str = "sql";

/// The place of a line and column, both from 1. Zero (the parser's "unknown") gives none.
pub fn place_at(line: u64, column: u64) -> Option<Place> {
    let (line, column) = (u32::try_from(line).ok()?, u32::try_from(column).ok()?);
    (line > 0 && column > 0).then(|| Place::column(SQL_FILE, line, column))
}

/// Splits the parser's `… at Line: 3, Column: 7` into the message and the place.
pub(crate) fn split_location(message: &str) -> (&str, Option<Place>) {
    let Some((head, tail)) = message.rsplit_once(" at Line: ") else {
        return (message, None);
    };
    let Some((line, column)) = tail.split_once(", Column: ") else {
        return (message, None);
    };
    match (line.trim().parse(), column.trim().parse()) {
        (Ok(line), Ok(column)) => (head, place_at(line, column)),
        _ => (message, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_the_location_from_the_message() {
        let (message, place) = split_location("Expected: ), found: EOF at Line: 3, Column: 7");
        assert_eq!(message, "Expected: ), found: EOF");
        assert_eq!(place, Some(Place::column(SQL_FILE, 3, 7)));
        assert_eq!(split_location("no place"), ("no place", None));
    }
}
