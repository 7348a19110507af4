//! Joining, cutting and changing text. Sources: Snowflake's pages "CONCAT , ||", "CONCAT_WS", "SUBSTR , SUBSTRING",
//! "LEFT", "RIGHT", "LENGTH, LEN", "REPLACE", "TRANSLATE", "REPEAT", "REVERSE", "SPACE", "ASCII", "UNICODE",
//! "CHR , CHAR", "INITCAP", "INSERT", "LOWER", "UPPER".

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, MANY, function, int, text};
use super::{length, offset};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["concat"], 1, MANY, text, concat),
    function(&["concat_ws"], 2, MANY, text, concat_ws),
    function(&["substr", "substring"], 2, 3, text, substr),
    function(&["left"], 2, 2, text, |call| side(call, true)),
    function(&["right"], 2, 2, text, |call| side(call, false)),
    function(&["length", "len"], 1, 1, int, len),
    function(&["octet_length"], 1, 1, int, |call| bytes(call, 1)),
    function(&["bit_length"], 1, 1, int, |call| bytes(call, 8)),
    function(&["upper"], 1, 1, text, |call| {
        change(call, |text, out| out.extend(text.chars().flat_map(char::to_uppercase)))
    }),
    function(&["lower"], 1, 1, text, |call| {
        change(call, |text, out| out.extend(text.chars().flat_map(char::to_lowercase)))
    }),
    function(&["reverse"], 1, 1, text, |call| change(call, |text, out| out.extend(text.chars().rev()))),
    function(&["replace"], 2, 3, text, replace),
    function(&["translate"], 3, 3, text, translate),
    function(&["repeat"], 2, 2, text, repeat),
    function(&["space"], 1, 1, text, space),
    function(&["ascii"], 1, 1, int, code),
    function(&["unicode"], 1, 1, int, code),
    function(&["chr", "char"], 1, 1, text, chr),
    function(&["initcap"], 1, 2, text, initcap),
    function(&["insert"], 4, 4, text, insert),
];

/// Bytes of a text that a function may make: those of Snowflake's longest VARCHAR.
pub(super) const TEXT_BYTES_MAX: usize = 128 * 1024 * 1024;

fn change(call: &Call<'_>, write: fn(&str, &mut String)) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    call.texts(|row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        write(text, out);
        Ok(true)
    })
}

fn concat(call: &Call<'_>) -> Result<ArrayRef> {
    let parts = (0..call.len()).map(|index| call.text(index)).collect::<Result<Vec<_>>>()?;
    call.texts(|row, out| {
        for part in &parts {
            let Some(text) = part.get(row) else { return Ok(false) };
            out.push_str(text);
        }
        Ok(true)
    })
}

/// Unlike elsewhere, a null makes the whole result null.
fn concat_ws(call: &Call<'_>) -> Result<ArrayRef> {
    let parts = (0..call.len()).map(|index| call.text(index)).collect::<Result<Vec<_>>>()?;
    call.texts(|row, out| {
        let Some(separator) = parts[0].get(row) else { return Ok(false) };
        for (index, part) in parts[1..].iter().enumerate() {
            let Some(text) = part.get(row) else { return Ok(false) };
            if index > 0 {
                out.push_str(separator);
            }
            out.push_str(text);
        }
        Ok(true)
    })
}

/// A start below 1 counts from the end; 0 means 1.
fn substr(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, starts, lengths) = (call.text(0)?, call.int(1)?, call.int_or(2, i64::MAX)?);
    call.texts(|row, out| {
        let (Some(text), Some(start), Some(wanted)) = (texts.get(row), starts.get(row), lengths.get(row)) else {
            return Ok(false);
        };
        let begin = if start < 0 {
            match length(text).checked_sub(usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX)) {
                Some(begin) => begin,
                None => return Ok(true),
            }
        } else {
            usize::try_from(start.max(1) - 1).unwrap_or(usize::MAX)
        };
        let rest = &text[offset(text, begin)..];
        let wanted = usize::try_from(wanted.max(0)).unwrap_or(usize::MAX);
        out.push_str(&rest[..offset(rest, wanted)]);
        Ok(true)
    })
}

fn side(call: &Call<'_>, left: bool) -> Result<ArrayRef> {
    let (texts, counts) = (call.text(0)?, call.int(1)?);
    call.texts(|row, out| {
        let (Some(text), Some(count)) = (texts.get(row), counts.get(row)) else { return Ok(false) };
        let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
        if left {
            out.push_str(&text[..offset(text, count)]);
        } else {
            out.push_str(&text[offset(text, length(text).saturating_sub(count))..]);
        }
        Ok(true)
    })
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::BinaryView | DataType::LargeBinary)
}

fn len(call: &Call<'_>) -> Result<ArrayRef> {
    if is_binary(&call.type_of(0)) {
        return bytes(call, 1);
    }
    let texts = call.text(0)?;
    call.ints(|row| Ok(texts.get(row).map(|text| length(text) as i64)))
}

fn bytes(call: &Call<'_>, factor: i64) -> Result<ArrayRef> {
    let values = call.bytes(0)?;
    call.ints(|row| {
        let at = values.at(row);
        Ok(values.array.is_valid(at).then(|| values.array.value(at).len() as i64 * factor))
    })
}

fn replace(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, from, to) = (call.text(0)?, call.text(1)?, call.text_or(2, "")?);
    call.texts(|row, out| {
        let (Some(text), Some(from), Some(to)) = (texts.get(row), from.get(row), to.get(row)) else {
            return Ok(false);
        };
        if from.is_empty() {
            out.push_str(text);
            return Ok(true);
        }
        let mut begin = 0;
        for (at, found) in text.match_indices(from) {
            out.push_str(&text[begin..at]);
            out.push_str(to);
            begin = at + found.len();
        }
        out.push_str(&text[begin..]);
        Ok(true)
    })
}

/// Characters without a partner are taken out.
fn translate(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
    call.texts(|row, out| {
        let (Some(text), Some(from), Some(to)) = (texts.get(row), from.get(row), to.get(row)) else {
            return Ok(false);
        };
        if from.chars().count() < to.chars().count() {
            return Err(call.error("there are more target characters than source characters"));
        }
        for char in text.chars() {
            match from.chars().position(|source| source == char) {
                Some(index) => out.extend(to.chars().nth(index)),
                None => out.push(char),
            }
        }
        Ok(true)
    })
}

fn repeat(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, counts) = (call.text(0)?, call.int(1)?);
    call.texts(|row, out| {
        let (Some(text), Some(count)) = (texts.get(row), counts.get(row)) else { return Ok(false) };
        fill(call, text, count, out)
    })
}

fn fill(call: &Call<'_>, text: &str, count: i64, out: &mut String) -> Result<bool> {
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    if text.len().checked_mul(count).is_none_or(|bytes| bytes > TEXT_BYTES_MAX) {
        return Err(call.error(format!("the result is longer than {TEXT_BYTES_MAX} bytes")));
    }
    for _ in 0..count {
        out.push_str(text);
    }
    Ok(true)
}

fn space(call: &Call<'_>) -> Result<ArrayRef> {
    let counts = call.int(0)?;
    call.texts(|row, out| match counts.get(row) {
        Some(count) => fill(call, " ", count, out),
        None => Ok(false),
    })
}

/// Of an empty text it is 0.
fn code(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    call.ints(|row| Ok(texts.get(row).map(|text| text.chars().next().map_or(0, |char| i64::from(u32::from(char))))))
}

fn chr(call: &Call<'_>) -> Result<ArrayRef> {
    let codes = call.int(0)?;
    call.texts(|row, out| {
        let Some(code) = codes.get(row) else { return Ok(false) };
        let char = u32::try_from(code).ok().and_then(char::from_u32);
        out.push(char.ok_or_else(|| call.error(format!("{code} is no character's code")))?);
        Ok(true)
    })
}

fn initcap(call: &Call<'_>) -> Result<ArrayRef> {
    const DELIMITERS: &str = "!?@\"^#$&~_,.:;+-*%/|\\[](){}<>";
    let texts = call.text(0)?;
    let delimiters = if call.len() > 1 { Some(call.text(1)?) } else { None };
    call.texts(|row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        let own = match &delimiters {
            Some(column) => match column.get(row) {
                Some(own) => Some(own),
                None => return Ok(false),
            },
            None => None,
        };
        let mut begins = true;
        for char in text.chars() {
            if begins {
                out.extend(char.to_uppercase());
            } else {
                out.extend(char.to_lowercase());
            }
            begins = match own {
                Some(own) => own.contains(char),
                None => char.is_whitespace() || DELIMITERS.contains(char),
            };
        }
        Ok(true)
    })
}

fn insert(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, positions, lengths, inserts) = (call.text(0)?, call.int(1)?, call.int(2)?, call.text(3)?);
    call.texts(|row, out| {
        let (Some(text), Some(position), Some(cut), Some(insert)) =
            (texts.get(row), positions.get(row), lengths.get(row), inserts.get(row))
        else {
            return Ok(false);
        };
        let size = length(text) as i64;
        if position < 1 || position > size + 1 || cut < 0 {
            return Err(call.error(format!("there is no place {position} in a text of {size} characters")));
        }
        let begin = offset(text, (position - 1) as usize);
        out.push_str(&text[..begin]);
        out.push_str(insert);
        let rest = &text[begin..];
        out.push_str(&rest[offset(rest, usize::try_from(cut).unwrap_or(usize::MAX))..]);
        Ok(true)
    })
}
