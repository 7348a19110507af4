//! Parts of values. Sources: Snowflake's pages "GET", "GET_IGNORE_CASE", "GET_PATH , :", "Querying semi-structured data".

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::json::{self, Path, Step};
use super::super::scalar::{Call, Column, Function, MANY, Texts, function, variant};
use super::super::types::{is_number, is_variant, name, user_hint};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["sf_get", "get"], 2, MANY, variant, get),
    function(&["get_ignore_case"], 2, 2, variant, get_ignore_case),
    function(&["get_path"], 2, 2, variant, get_path),
];

/// The first argument, which must be a VARIANT: text is none until PARSE_JSON has read it.
fn subject(call: &Call<'_>) -> Result<Column<Texts>> {
    let from = call.type_of(0);
    if is_variant(&from) || from == DataType::Null {
        return call.json(0);
    }
    Err(user_hint(format!("{} has no parts", name(&from)), "parse_json(x) reads a text as a VARIANT"))
}

enum Steps {
    Constant(Option<Step>),
    Keys(Column<Texts>),
    Indexes(Column<arrow::array::Int64Array>),
}

fn key(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    json::string(text, &mut quoted);
    quoted
}

fn index(number: i64) -> Option<Step> {
    usize::try_from(number).ok().map(Step::Index)
}

fn steps(call: &Call<'_>, at: usize) -> Result<Steps> {
    if is_number(&call.type_of(at)) {
        let numbers = call.int(at)?;
        return Ok(match numbers.scalar {
            true => Steps::Constant(numbers.get(0).and_then(index)),
            false => Steps::Indexes(numbers),
        });
    }
    let keys = call.text(at)?;
    Ok(match keys.scalar {
        true => Steps::Constant(keys.get(0).map(|text| Step::Key(key(text)))),
        false => Steps::Keys(keys),
    })
}

fn walk<'a>(value: &'a str, step: &Step) -> Option<&'a str> {
    match step {
        Step::Key(key) => json::member(value, key),
        Step::Index(index) => json::element(value, *index),
    }
}

fn get(call: &Call<'_>) -> Result<ArrayRef> {
    let values = subject(call)?;
    let steps = (1..call.len()).map(|at| steps(call, at)).collect::<Result<Vec<_>>>()?;
    call.variants(|row, out| {
        let Some(mut value) = values.get(row) else { return Ok(false) };
        for step in &steps {
            let found = match step {
                Steps::Constant(step) => step.as_ref().and_then(|step| walk(value, step)),
                Steps::Keys(keys) => keys.get(row).and_then(|text| json::member(value, &key(text))),
                Steps::Indexes(numbers) => numbers.get(row).and_then(index).and_then(|step| walk(value, &step)),
            };
            match found {
                Some(found) => value = found,
                None => return Ok(false),
            }
        }
        out.push_str(value);
        // What is undefined is not there.
        Ok(json::kind(value) != json::Kind::Undefined)
    })
}

fn get_ignore_case(call: &Call<'_>) -> Result<ArrayRef> {
    let (values, keys) = (subject(call)?, call.text(1)?);
    call.variants(|row, out| {
        let (Some(value), Some(text)) = (values.get(row), keys.get(row)) else { return Ok(false) };
        let found = json::member_ignore_case(value, &key(text));
        out.push_str(found.unwrap_or_default());
        Ok(found.is_some())
    })
}

fn get_path(call: &Call<'_>) -> Result<ArrayRef> {
    let (values, paths) = (subject(call)?, call.text(1)?);
    let mut last: Option<(String, Path)> = None;
    call.variants(|row, out| {
        let (Some(value), Some(text)) = (values.get(row), paths.get(row)) else { return Ok(false) };
        if last.as_ref().is_none_or(|(known, _)| known != text) {
            last = Some((text.to_owned(), Path::parse(text).map_err(|error| call.error(error))?));
        }
        let found = last.as_ref().and_then(|(_, path)| path.walk(value));
        out.push_str(found.unwrap_or_default());
        Ok(found.is_some_and(|found| json::kind(found) != json::Kind::Undefined))
    })
}
