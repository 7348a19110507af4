//! Text in pieces. Sources: Snowflake's pages "SPLIT", "SPLIT_PART", "STRTOK", "STRTOK_TO_ARRAY", "SPLIT_TO_TABLE",
//! "STRTOK_SPLIT_TO_TABLE".

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, ListBuilder, StringBuilder, StructBuilder};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::Result;

use super::super::json;
use super::super::scalar::{Call, Function, function, text, variant};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["split"], 2, 2, variant, split),
    function(&["split_part"], 3, 3, text, split_part),
    function(&["strtok"], 1, 3, text, strtok),
    function(&["strtok_to_array"], 1, 2, variant, strtok_to_array),
    function(&["sf_split_to_table"], 2, 2, |_| Ok(table()), |call| to_table(call, pieces)),
    function(&["sf_strtok_split_to_table"], 1, 2, |_| Ok(table()), |call| to_table(call, tokens)),
];

type Pieces<'a> = Box<dyn Iterator<Item = &'a str> + 'a>;

/// The pieces between separators; an empty separator does not separate.
fn pieces<'a>(text: &'a str, separator: &'a str) -> Pieces<'a> {
    if separator.is_empty() { Box::new(std::iter::once(text)) } else { Box::new(text.split(separator)) }
}

/// The pieces between any of the characters, empty ones left out.
fn tokens<'a>(text: &'a str, delimiters: &'a str) -> Pieces<'a> {
    Box::new(text.split(|char| delimiters.contains(char)).filter(|token| !token.is_empty()))
}

fn write_array<'a>(parts: impl Iterator<Item = &'a str>, out: &mut String) {
    out.push('[');
    for (index, part) in parts.enumerate() {
        if index > 0 {
            out.push(',');
        }
        json::string(part, out);
    }
    out.push(']');
}

fn split(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, separators) = (call.text(0)?, call.text(1)?);
    call.variants(|row, out| {
        let (Some(text), Some(separator)) = (texts.get(row), separators.get(row)) else { return Ok(false) };
        write_array(pieces(text, separator), out);
        Ok(true)
    })
}

/// Part 0 is part 1; negative ones count from the end; a part that is not there is empty.
fn split_part(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, separators, numbers) = (call.text(0)?, call.text(1)?, call.int(2)?);
    call.texts(|row, out| {
        let (Some(text), Some(separator), Some(number)) = (texts.get(row), separators.get(row), numbers.get(row))
        else {
            return Ok(false);
        };
        let index = usize::try_from(number.unsigned_abs().max(1) - 1).unwrap_or(usize::MAX);
        let part = if separator.is_empty() {
            (index == 0).then_some(text)
        } else if number < 0 {
            text.rsplit(separator).nth(index)
        } else {
            text.split(separator).nth(index)
        };
        out.push_str(part.unwrap_or_default());
        Ok(true)
    })
}

fn strtok(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, delimiters, numbers) = (call.text(0)?, call.text_or(1, " ")?, call.int_or(2, 1)?);
    call.texts(|row, out| {
        let (Some(text), Some(delimiters), Some(number)) = (texts.get(row), delimiters.get(row), numbers.get(row))
        else {
            return Ok(false);
        };
        if number < 1 {
            return Err(call.error("tokens are counted from 1"));
        }
        if delimiters.is_empty() {
            // Without delimiters the text is one token.
            let whole = number == 1 && !text.is_empty();
            out.push_str(if whole { text } else { "" });
            return Ok(whole);
        }
        let token = tokens(text, delimiters).nth((number - 1) as usize);
        out.push_str(token.unwrap_or_default());
        Ok(token.is_some())
    })
}

fn strtok_to_array(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, delimiters) = (call.text(0)?, call.text_or(1, " ")?);
    call.variants(|row, out| {
        let (Some(text), Some(delimiters)) = (texts.get(row), delimiters.get(row)) else { return Ok(false) };
        write_array(tokens(text, delimiters), out);
        Ok(true)
    })
}

fn columns() -> Fields {
    Fields::from(vec![Field::new("index", DataType::Int64, true), Field::new("value", DataType::Utf8, true)])
}

fn table() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(columns()), true)))
}

/// A list of the pieces with their numbers, from 1.
fn to_table(call: &Call<'_>, pieces: for<'a> fn(&'a str, &'a str) -> Pieces<'a>) -> Result<ArrayRef> {
    let (texts, separators) = (call.text(0)?, call.text_or(1, " ")?);
    let builder = StructBuilder::new(columns(), vec![Box::new(Int64Builder::new()), Box::new(StringBuilder::new())]);
    let mut list = ListBuilder::new(builder);
    let broken = || call.error("the table of pieces cannot be built");
    for row in 0..call.rows {
        if let (Some(text), Some(separator)) = (texts.get(row), separators.get(row)) {
            for (index, piece) in (1..).zip(pieces(text, separator)) {
                let item = list.values();
                item.field_builder::<Int64Builder>(0).ok_or_else(broken)?.append_value(index);
                item.field_builder::<StringBuilder>(1).ok_or_else(broken)?.append_value(piece);
                item.append(true);
            }
        }
        list.append(true);
    }
    Ok(Arc::new(list.finish()))
}
