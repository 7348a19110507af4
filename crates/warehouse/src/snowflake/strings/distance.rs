//! How alike texts are. Sources: Snowflake's pages "EDITDISTANCE", "JAROWINKLER_SIMILARITY", "SOUNDEX".

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, function, int, text};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["editdistance"], 2, 3, int, edit_distance),
    function(&["jarowinkler_similarity"], 2, 2, int, jaro_winkler),
    function(&["soundex"], 1, 1, text, soundex),
];

/// Insertions, deletions and replacements; never more than the maximum, when there is one.
fn edit_distance(call: &Call<'_>) -> Result<ArrayRef> {
    let (left, right, limits) = (call.text(0)?, call.text(1)?, call.int_or(2, i64::MAX)?);
    call.ints(|row| {
        let (Some(left), Some(right), Some(limit)) = (left.get(row), right.get(row), limits.get(row)) else {
            return Ok(None);
        };
        Ok(Some((strsim::levenshtein(left, right) as i64).min(limit.max(0))))
    })
}

/// 0 to 100, cut off and not rounded; the case of letters does not matter. Two empty texts have nothing in common.
fn jaro_winkler(call: &Call<'_>) -> Result<ArrayRef> {
    /// What floats may miss a whole percentage by.
    const TOLERANCE: f64 = 1e-9;
    let (left, right) = (call.text(0)?, call.text(1)?);
    call.ints(|row| {
        let (Some(left), Some(right)) = (left.get(row), right.get(row)) else { return Ok(None) };
        if left.is_empty() && right.is_empty() {
            return Ok(Some(0));
        }
        let likeness = strsim::jaro_winkler(&left.to_lowercase(), &right.to_lowercase());
        Ok(Some((likeness * 100.0 + TOLERANCE).floor() as i64))
    })
}

/// The digit of a letter; vowels have none, and H and W are as if they were not there.
fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'B' | b'F' | b'P' | b'V' => Some(b'1'),
        b'C' | b'G' | b'J' | b'K' | b'Q' | b'S' | b'X' | b'Z' => Some(b'2'),
        b'D' | b'T' => Some(b'3'),
        b'L' => Some(b'4'),
        b'M' | b'N' => Some(b'5'),
        b'R' => Some(b'6'),
        _ => None,
    }
}

fn soundex(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    call.texts(|row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        let mut letters = text.bytes().filter(u8::is_ascii_alphabetic).map(|letter| letter.to_ascii_uppercase());
        let Some(first) = letters.next() else { return Ok(true) };
        out.push(char::from(first));
        let mut before = digit(first);
        for letter in letters {
            if matches!(letter, b'H' | b'W') {
                continue;
            }
            let found = digit(letter);
            if let Some(found) = found.filter(|found| before != Some(*found)) {
                out.push(char::from(found));
            }
            before = found;
            if out.len() == 4 {
                break;
            }
        }
        while out.len() < 4 {
            out.push('0');
        }
        Ok(true)
    })
}
