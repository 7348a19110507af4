//! LPAD, RPAD, TRIM, LTRIM, RTRIM. Sources: Snowflake's pages of these names: a longer text is cut to the length; what
//! is trimmed are spaces (no other white space), or any of the given characters.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, function, text};
use super::basic::TEXT_BYTES_MAX;
use super::{length, offset};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["lpad"], 2, 3, text, |call| pad(call, true)),
    function(&["rpad"], 2, 3, text, |call| pad(call, false)),
    function(&["trim", "btrim"], 1, 2, text, |call| trim(call, true, true)),
    function(&["ltrim"], 1, 2, text, |call| trim(call, true, false)),
    function(&["rtrim"], 1, 2, text, |call| trim(call, false, true)),
];

fn pad(call: &Call<'_>, left: bool) -> Result<ArrayRef> {
    let (texts, lengths, fills) = (call.text(0)?, call.int(1)?, call.text_or(2, " ")?);
    call.texts(|row, out| {
        let (Some(text), Some(wanted), Some(fill)) = (texts.get(row), lengths.get(row), fills.get(row)) else {
            return Ok(false);
        };
        let wanted = usize::try_from(wanted.max(0)).unwrap_or(usize::MAX);
        let found = length(text);
        if found >= wanted || fill.is_empty() {
            out.push_str(&text[..offset(text, wanted)]);
            return Ok(true);
        }
        if wanted > TEXT_BYTES_MAX {
            return Err(call.error(format!("the result is longer than {TEXT_BYTES_MAX} bytes")));
        }
        if !left {
            out.push_str(text);
        }
        out.extend(fill.chars().cycle().take(wanted - found));
        if left {
            out.push_str(text);
        }
        Ok(true)
    })
}

fn trim(call: &Call<'_>, left: bool, right: bool) -> Result<ArrayRef> {
    let (texts, sets) = (call.text(0)?, call.text_or(1, " ")?);
    call.texts(|row, out| {
        let (Some(mut text), Some(set)) = (texts.get(row), sets.get(row)) else { return Ok(false) };
        if left {
            text = text.trim_start_matches(|char| set.contains(char));
        }
        if right {
            text = text.trim_end_matches(|char| set.contains(char));
        }
        out.push_str(text);
        Ok(true)
    })
}
