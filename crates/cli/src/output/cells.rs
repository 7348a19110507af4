//! Text of single values: ISO times, decimals digit for digit, nothing that could drive a terminal.

use std::borrow::Cow;

use arrow::array::Array;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use millstream_core::{Error, Result};

/// How a null is shown to people.
pub const NULL: &str = "null";

/// How values become text.
pub fn options(null: &'static str) -> FormatOptions<'static> {
    FormatOptions::new().with_null(null).with_display_error(true)
}

/// Text of each value of a column.
pub fn texts(array: &dyn Array, null: &'static str) -> Result<Vec<String>> {
    let options = options(null);
    let formatter = ArrayFormatter::try_new(array, &options)
        .map_err(|error| Error::ours(format!("values of type {} cannot be shown", array.data_type())).why(error))?;
    Ok((0..array.len()).map(|row| formatter.value(row).to_string()).collect())
}

/// Whether values read best aligned to the right.
pub fn is_right_aligned(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// Text on one line: line ends, tabs and other control characters are written as escapes, because a value that can
/// drive the terminal could hide or fake rows.
pub fn on_one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_cannot_reach_the_terminal() {
        assert_eq!(on_one_line("a\nb\u{1b}[2J"), "a\\nb\\u{1b}[2J");
        assert_eq!(on_one_line("Zoë"), "Zoë");
    }
}
