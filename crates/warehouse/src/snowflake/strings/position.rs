//! Where one text is in another. Sources: Snowflake's pages "CHARINDEX", "POSITION", "CONTAINS", "STARTSWITH",
//! "ENDSWITH".

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, boolean, function, int};
use super::{length, offset};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["charindex", "position"], 2, 3, int, position),
    function(&["contains"], 2, 2, boolean, |call| test(call, |text, part| text.contains(part))),
    function(&["startswith"], 2, 2, boolean, |call| test(call, |text, part| text.starts_with(part))),
    function(&["endswith"], 2, 2, boolean, |call| test(call, |text, part| text.ends_with(part))),
];

/// The place of the first argument in the second one, 0 when it is not there.
fn position(call: &Call<'_>) -> Result<ArrayRef> {
    let (parts, texts, starts) = (call.text(0)?, call.text(1)?, call.int_or(2, 1)?);
    call.ints(|row| {
        let (Some(part), Some(text), Some(start)) = (parts.get(row), texts.get(row), starts.get(row)) else {
            return Ok(None);
        };
        if start < 1 {
            return Err(call.error("the start must be 1 or more"));
        }
        let skipped = usize::try_from(start - 1).unwrap_or(usize::MAX);
        if skipped > length(text) {
            return Ok(Some(0));
        }
        let rest = &text[offset(text, skipped)..];
        Ok(Some(rest.find(part).map_or(0, |at| (skipped + length(&rest[..at])) as i64 + 1)))
    })
}

fn test(call: &Call<'_>, holds: fn(&str, &str) -> bool) -> Result<ArrayRef> {
    let (texts, parts) = (call.text(0)?, call.text(1)?);
    call.bools(|row| Ok(texts.get(row).zip(parts.get(row)).map(|(text, part)| holds(text, part))))
}
