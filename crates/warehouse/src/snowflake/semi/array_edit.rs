//! Arrays out of arrays. Sources: Snowflake's pages "ARRAY_APPEND", "ARRAY_PREPEND", "ARRAY_CAT", "ARRAY_COMPACT",
//! "ARRAY_INSERT", "ARRAY_REMOVE", "ARRAY_REMOVE_AT", "ARRAY_REVERSE", "ARRAY_SLICE", "ARRAY_SORT", "ARRAY_FLATTEN".

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::json::{self, Kind};
use super::super::scalar::{Call, Function, function, variant};
use super::{array_of, is_null};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["array_append"], 2, 2, variant, |call| edit(call, |elements, value| elements.push(value))),
    function(&["array_prepend"], 2, 2, variant, |call| edit(call, |elements, value| elements.insert(0, value))),
    function(&["array_cat"], 2, 2, variant, cat),
    function(&["array_compact"], 1, 1, variant, |call| {
        change(call, |elements| elements.retain(|value| !is_null(value)))
    }),
    function(&["array_reverse"], 1, 1, variant, |call| change(call, |elements| elements.reverse())),
    function(&["array_insert"], 3, 3, variant, insert),
    function(&["array_remove"], 2, 2, variant, |call| {
        edit(call, |elements, value| elements.retain(|element| json::compare(element, value).is_ne()))
    }),
    function(&["array_remove_at"], 2, 2, variant, remove_at),
    function(&["array_slice"], 3, 3, variant, slice),
    function(&["array_sort"], 1, 3, variant, sort),
    function(&["array_flatten"], 1, 1, variant, flatten),
];

fn change(call: &Call<'_>, change: fn(&mut Vec<&str>)) -> Result<ArrayRef> {
    let arrays = call.json(0)?;
    call.variants(|row, out| {
        let Some(array) = array_of(call, arrays.get(row))? else { return Ok(false) };
        let mut elements: Vec<&str> = json::elements(array).collect();
        change(&mut elements);
        json::array(elements, out);
        Ok(true)
    })
}

/// An SQL null as the value counts as `undefined`.
fn edit(call: &Call<'_>, change: for<'a> fn(&mut Vec<&'a str>, &'a str)) -> Result<ArrayRef> {
    let (arrays, values) = (call.json(0)?, call.json(1)?);
    call.variants(|row, out| {
        let Some(array) = array_of(call, arrays.get(row))? else { return Ok(false) };
        let mut elements: Vec<&str> = json::elements(array).collect();
        change(&mut elements, values.get(row).unwrap_or("undefined"));
        json::array(elements, out);
        Ok(true)
    })
}

fn cat(call: &Call<'_>) -> Result<ArrayRef> {
    let (left, right) = (call.json(0)?, call.json(1)?);
    call.variants(|row, out| {
        let (Some(left), Some(right)) = (array_of(call, left.get(row))?, array_of(call, right.get(row))?) else {
            return Ok(false);
        };
        json::array(json::elements(left).chain(json::elements(right)), out);
        Ok(true)
    })
}

/// Where a position from either end is; may lie outside.
fn place(position: i64, length: usize) -> i64 {
    if position < 0 { position + length as i64 } else { position }
}

/// Beyond the end, the gap is filled with `undefined`.
fn insert(call: &Call<'_>) -> Result<ArrayRef> {
    const GAP_ELEMENTS_MAX: i64 = 1_000_000;
    let (arrays, positions, values) = (call.json(0)?, call.int(1)?, call.json(2)?);
    call.variants(|row, out| {
        let (Some(array), Some(position)) = (array_of(call, arrays.get(row))?, positions.get(row)) else {
            return Ok(false);
        };
        let mut elements: Vec<&str> = json::elements(array).collect();
        let at = place(position, elements.len());
        if at < 0 || at > elements.len() as i64 + GAP_ELEMENTS_MAX {
            return Err(call.error(format!("there is no place {position} in an array of {} elements", elements.len())));
        }
        let at = at as usize;
        while elements.len() < at {
            elements.push("undefined");
        }
        elements.insert(at, values.get(row).unwrap_or("undefined"));
        json::array(elements, out);
        Ok(true)
    })
}

fn remove_at(call: &Call<'_>) -> Result<ArrayRef> {
    let (arrays, positions) = (call.json(0)?, call.int(1)?);
    call.variants(|row, out| {
        let (Some(array), Some(position)) = (array_of(call, arrays.get(row))?, positions.get(row)) else {
            return Ok(false);
        };
        let elements: Vec<&str> = json::elements(array).collect();
        let at = place(position, elements.len());
        let kept = (0..).zip(elements).filter(|(index, _)| *index != at).map(|(_, element)| element);
        json::array(kept, out);
        Ok(true)
    })
}

/// From the first position up to but not including the second; negative ones count from the end.
fn slice(call: &Call<'_>) -> Result<ArrayRef> {
    let (arrays, froms, tos) = (call.json(0)?, call.int(1)?, call.int(2)?);
    call.variants(|row, out| {
        let (Some(array), Some(from), Some(to)) = (array_of(call, arrays.get(row))?, froms.get(row), tos.get(row))
        else {
            return Ok(false);
        };
        let elements: Vec<&str> = json::elements(array).collect();
        let bound = |position| place(position, elements.len()).clamp(0, elements.len() as i64) as usize;
        let (from, to) = (bound(from), bound(to));
        json::array(elements.get(from..to).unwrap_or_default(), out);
        Ok(true)
    })
}

/// Ascending unless told otherwise; `undefined` where SQL would sort nulls, JSON nulls as the greatest value.
fn sort(call: &Call<'_>) -> Result<ArrayRef> {
    let arrays = call.json(0)?;
    let ascending = if call.len() > 1 { Some(call.bool(1)?) } else { None };
    let nulls_first = if call.len() > 2 { Some(call.bool(2)?) } else { None };
    call.variants(|row, out| {
        let Some(array) = array_of(call, arrays.get(row))? else { return Ok(false) };
        let ascending = match &ascending {
            Some(column) => match column.get(row) {
                Some(ascending) => ascending,
                None => return Ok(false),
            },
            None => true,
        };
        let nulls_first = match &nulls_first {
            Some(column) => match column.get(row) {
                Some(first) => first,
                None => return Ok(false),
            },
            None => !ascending,
        };
        let (missing, mut there): (Vec<&str>, Vec<&str>) =
            json::elements(array).partition(|element| json::kind(element) == Kind::Undefined);
        there.sort_by(|left, right| {
            let order = json::compare(left, right);
            if ascending { order } else { order.reverse() }
        });
        if nulls_first {
            json::array(missing.into_iter().chain(there), out);
        } else {
            json::array(there.into_iter().chain(missing), out);
        }
        Ok(true)
    })
}

/// Arrays of arrays, one level less.
fn flatten(call: &Call<'_>) -> Result<ArrayRef> {
    let arrays = call.json(0)?;
    call.variants(|row, out| {
        let Some(array) = array_of(call, arrays.get(row))? else { return Ok(false) };
        let mut all = Vec::new();
        for element in json::elements(array) {
            match json::kind(element) {
                Kind::Array => all.extend(json::elements(element)),
                Kind::Null | Kind::Undefined => return Ok(false),
                _ => return Err(call.error(format!("the element {element} is no array"))),
            }
        }
        json::array(all, out);
        Ok(true)
    })
}
