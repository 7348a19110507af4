//! Bitwise functions. Sources: Snowflake's pages "BITAND", "BITOR", "BITXOR", "BITNOT", "BITSHIFTLEFT",
//! "BITSHIFTRIGHT" and "GETBIT". Numbers have 64 bits here where Snowflake's have 128: what does not fit is an error.
//! Binary arguments are refused.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, function, int};
use super::super::types::user_hint;

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["bitand", "bit_and"], 2, 2, int, |call| pairwise(call, |a, b| a & b)),
    function(&["bitor", "bit_or"], 2, 2, int, |call| pairwise(call, |a, b| a | b)),
    function(&["bitxor", "bit_xor"], 2, 2, int, |call| pairwise(call, |a, b| a ^ b)),
    function(&["bitnot", "bit_not"], 1, 1, int, |call| {
        let values = call.int(0)?;
        call.ints(|row| Ok(values.get(row).map(|value| !value)))
    }),
    function(&["bitshiftleft", "bit_shiftleft"], 2, 2, int, shift_left),
    function(&["bitshiftright", "bit_shiftright"], 2, 2, int, |call| shifted(call, |a, places| a >> places.min(63))),
    function(&["getbit"], 2, 2, int, |call| shifted(call, |a, place| (a >> place.min(63)) & 1)),
];

/// Bits of Snowflake's whole numbers: places count from 0 up to below this.
const PLACES: i64 = 128;

fn pairwise(call: &Call<'_>, join: fn(i64, i64) -> i64) -> Result<ArrayRef> {
    let (left, right) = (call.int(0)?, call.int(1)?);
    call.ints(|row| Ok(left.get(row).zip(right.get(row)).map(|(left, right)| join(left, right))))
}

/// The second argument as a number of places.
fn places(call: &Call<'_>, places: i64) -> Result<u32> {
    match u32::try_from(places) {
        Ok(count) if places < PLACES => Ok(count),
        _ => Err(call.error(format!("the number of bits is from 0 to {}, not {places}", PLACES - 1))),
    }
}

fn shifted(call: &Call<'_>, join: fn(i64, u32) -> i64) -> Result<ArrayRef> {
    let (left, right) = (call.int(0)?, call.int(1)?);
    call.ints(|row| match (left.get(row), right.get(row)) {
        (Some(value), Some(count)) => Ok(Some(join(value, places(call, count)?))),
        _ => Ok(None),
    })
}

fn shift_left(call: &Call<'_>) -> Result<ArrayRef> {
    let (left, right) = (call.int(0)?, call.int(1)?);
    call.ints(|row| {
        let (Some(value), Some(count)) = (left.get(row), right.get(row)) else { return Ok(None) };
        let places = places(call, count)?;
        let fits = value == 0 || places < 63;
        let wide = if fits { i128::from(value) << places.min(63) } else { i128::MAX };
        i64::try_from(wide).map(Some).map_err(|_| {
            user_hint(
                format!("{}: {value} shifted by {places} bits does not fit an integer of 64 bits", call.name),
                "multiply by a power of two as number(38,0)",
            )
        })
    })
}
