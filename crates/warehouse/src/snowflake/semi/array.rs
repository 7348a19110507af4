//! Making and reading arrays. Sources: Snowflake's pages "ARRAY_CONSTRUCT", "ARRAY_CONSTRUCT_COMPACT",
//! "ARRAY_GENERATE_RANGE", "ARRAY_SIZE", "ARRAY_CONTAINS", "ARRAY_POSITION", "ARRAY_TO_STRING", "ARRAY_MIN", "ARRAY_MAX".
//! An SQL null within an array is `undefined`.

use std::cmp::Ordering;

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::json::{self, Kind};
use super::super::scalar::{Call, Function, MANY, boolean, function, int, text, variant};
use super::{array_of, is_null};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["array_construct"], 0, MANY, variant, |call| construct(call, false)),
    function(&["array_construct_compact"], 0, MANY, variant, |call| construct(call, true)),
    function(&["array_generate_range"], 2, 3, variant, range),
    function(&["array_size"], 1, 1, int, size),
    function(&["array_contains"], 2, 2, boolean, contains),
    function(&["array_position"], 2, 2, int, position),
    function(&["array_to_string"], 2, 2, text, to_string),
    function(&["array_min"], 1, 1, variant, |call| extreme(call, Ordering::Less)),
    function(&["array_max"], 1, 1, variant, |call| extreme(call, Ordering::Greater)),
];

/// Elements of an array that ARRAY_GENERATE_RANGE makes.
const RANGE_ELEMENTS_MAX: u64 = 10_000_000;

fn construct(call: &Call<'_>, compact: bool) -> Result<ArrayRef> {
    let values = (0..call.len()).map(|index| call.json(index)).collect::<Result<Vec<_>>>()?;
    call.variants(|row, out| {
        let all = values.iter().map(|value| value.get(row)).filter(|value| value.is_some() || !compact);
        json::array(all.map(|value| value.unwrap_or("undefined")), out);
        Ok(true)
    })
}

/// From the first up to but not including the last.
fn range(call: &Call<'_>) -> Result<ArrayRef> {
    let (starts, stops, steps) = (call.int(0)?, call.int(1)?, call.int_or(2, 1)?);
    call.variants(|row, out| {
        let (Some(start), Some(stop), Some(step)) = (starts.get(row), stops.get(row), steps.get(row)) else {
            return Ok(false);
        };
        if step == 0 {
            return Err(call.error("the step must not be 0"));
        }
        if stop.abs_diff(start) / step.unsigned_abs() > RANGE_ELEMENTS_MAX {
            return Err(call.error(format!("more than {RANGE_ELEMENTS_MAX} elements")));
        }
        let mut next = start;
        out.push('[');
        while (step > 0 && next < stop) || (step < 0 && next > stop) {
            if next != start {
                out.push(',');
            }
            out.push_str(&next.to_string());
            match next.checked_add(step) {
                Some(after) => next = after,
                None => break,
            }
        }
        out.push(']');
        Ok(true)
    })
}

/// Null for what is no array.
fn size(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.json(0)?;
    call.ints(|row| {
        let array = values.get(row).filter(|value| json::kind(value) == Kind::Array);
        Ok(array.map(|array| json::elements(array).count() as i64))
    })
}

fn same(left: &str, right: &str) -> bool {
    left == right || json::compare(left, right).is_eq()
}

fn contains(call: &Call<'_>) -> Result<ArrayRef> {
    let (values, arrays) = (call.json(0)?, call.json(1)?);
    call.bools(|row| {
        let (Some(array), Some(value)) = (array_of(call, arrays.get(row))?, values.get(row)) else { return Ok(None) };
        Ok(Some(json::elements(array).any(|element| same(element, value))))
    })
}

/// Counted from 0; null when it is not there.
fn position(call: &Call<'_>) -> Result<ArrayRef> {
    let (values, arrays) = (call.json(0)?, call.json(1)?);
    call.ints(|row| {
        let (Some(array), Some(value)) = (array_of(call, arrays.get(row))?, values.get(row)) else { return Ok(None) };
        Ok(json::elements(array).position(|element| same(element, value)).map(|at| at as i64))
    })
}

/// Nulls are empty texts.
fn to_string(call: &Call<'_>) -> Result<ArrayRef> {
    let (arrays, separators) = (call.json(0)?, call.text(1)?);
    call.texts(|row, out| {
        let (Some(array), Some(separator)) = (array_of(call, arrays.get(row))?, separators.get(row)) else {
            return Ok(false);
        };
        for (index, element) in json::elements(array).enumerate() {
            if index > 0 {
                out.push_str(separator);
            }
            out.push_str(&json::text_of(element).unwrap_or_default());
        }
        Ok(true)
    })
}

/// Null for an empty array and one of nulls.
fn extreme(call: &Call<'_>, wanted: Ordering) -> Result<ArrayRef> {
    let arrays = call.json(0)?;
    call.variants(|row, out| {
        let Some(array) = array_of(call, arrays.get(row))? else { return Ok(false) };
        let best = json::elements(array)
            .filter(|element| !is_null(element))
            .reduce(|best, next| if json::compare(next, best) == wanted { next } else { best });
        out.push_str(best.unwrap_or_default());
        Ok(best.is_some())
    })
}
