//! Arrays as sets and bags. Sources: Snowflake's pages "ARRAY_DISTINCT", "ARRAY_INTERSECTION", "ARRAY_EXCEPT",
//! "ARRAYS_OVERLAP", "ARRAYS_ZIP". Intersection and difference count copies, as in Snowflake.

use std::collections::{HashMap, HashSet};

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::json;
use super::super::scalar::{Call, Function, MANY, boolean, function, variant};
use super::array_of;

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["array_distinct"], 1, 1, variant, distinct),
    function(&["array_intersection"], 2, 2, variant, |call| bags(call, true)),
    function(&["array_except"], 2, 2, variant, |call| bags(call, false)),
    function(&["arrays_overlap"], 2, 2, boolean, overlap),
    function(&["arrays_zip"], 1, MANY, variant, zip),
];

fn distinct(call: &Call<'_>) -> Result<ArrayRef> {
    let arrays = call.json(0)?;
    call.variants(|row, out| {
        let Some(array) = array_of(call, arrays.get(row))? else { return Ok(false) };
        let mut seen = HashSet::new();
        json::array(json::elements(array).filter(|element| seen.insert(*element)), out);
        Ok(true)
    })
}

/// The elements of the first array that the second one has (`common`) or has not, copy by copy.
fn bags(call: &Call<'_>, common: bool) -> Result<ArrayRef> {
    let (left, right) = (call.json(0)?, call.json(1)?);
    call.variants(|row, out| {
        let (Some(left), Some(right)) = (array_of(call, left.get(row))?, array_of(call, right.get(row))?) else {
            return Ok(false);
        };
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for element in json::elements(right) {
            *counts.entry(element).or_default() += 1;
        }
        let kept = json::elements(left).filter(|element| {
            let there = match counts.get_mut(element) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    true
                }
                _ => false,
            };
            there == common
        });
        json::array(kept, out);
        Ok(true)
    })
}

/// A null is a value like others: it equals a null.
fn overlap(call: &Call<'_>) -> Result<ArrayRef> {
    let (left, right) = (call.json(0)?, call.json(1)?);
    call.bools(|row| {
        let (Some(left), Some(right)) = (array_of(call, left.get(row))?, array_of(call, right.get(row))?) else {
            return Ok(None);
        };
        let set: HashSet<&str> = json::elements(left).collect();
        Ok(Some(json::elements(right).any(|element| set.contains(element))))
    })
}

/// An array of objects `$1`, `$2`, …; shorter arrays are filled with nulls.
fn zip(call: &Call<'_>) -> Result<ArrayRef> {
    let arrays = (0..call.len()).map(|index| call.json(index)).collect::<Result<Vec<_>>>()?;
    call.variants(|row, out| {
        let mut columns = Vec::with_capacity(arrays.len());
        for array in &arrays {
            let Some(array) = array_of(call, array.get(row))? else { return Ok(false) };
            columns.push(json::elements(array).collect::<Vec<_>>());
        }
        let longest = columns.iter().map(Vec::len).max().unwrap_or_default();
        let objects = (0..longest).map(|at| {
            let mut members: Vec<(String, &str)> = (1..)
                .zip(&columns)
                .map(|(number, column): (usize, _)| {
                    let value = column.get(at).copied().filter(|value| *value != "undefined");
                    (format!("\"${number}\""), value.unwrap_or("null"))
                })
                .collect();
            let mut object = String::new();
            json::object(&mut members, &mut object);
            object
        });
        json::array(objects, out);
        Ok(true)
    })
}
