//! Bitwise functions. Sources: Snowflake's pages "BITAND", "BITOR", "BITXOR", "BITNOT", "BITSHIFTLEFT" and
//! "BITSHIFTRIGHT". Whole numbers of 64 bits; binary arguments are refused.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, function, int};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["bitand", "bit_and"], 2, 2, int, |call| pairwise(call, |a, b| a & b)),
    function(&["bitor", "bit_or"], 2, 2, int, |call| pairwise(call, |a, b| a | b)),
    function(&["bitxor", "bit_xor"], 2, 2, int, |call| pairwise(call, |a, b| a ^ b)),
    function(&["bitnot", "bit_not"], 1, 1, int, |call| {
        let values = call.int(0)?;
        call.ints(|row| Ok(values.get(row).map(|value| !value)))
    }),
    function(&["bitshiftleft", "bit_shiftleft"], 2, 2, int, |call| {
        pairwise(call, |a, b| if (0..64).contains(&b) { a.wrapping_shl(b as u32) } else { 0 })
    }),
    function(&["bitshiftright", "bit_shiftright"], 2, 2, int, |call| {
        pairwise(call, |a, b| if (0..64).contains(&b) { a >> b } else { a >> 63 })
    }),
    function(&["getbit"], 2, 2, int, |call| pairwise(call, |a, b| if (0..64).contains(&b) { (a >> b) & 1 } else { 0 })),
];

fn pairwise(call: &Call<'_>, join: fn(i64, i64) -> i64) -> Result<ArrayRef> {
    let (left, right) = (call.int(0)?, call.int(1)?);
    call.ints(|row| Ok(left.get(row).zip(right.get(row)).map(|(left, right)| join(left, right))))
}
