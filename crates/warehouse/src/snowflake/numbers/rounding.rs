//! ROUND, TRUNC, CEIL and FLOOR, with a scale. Sources: Snowflake's pages of these names: exact numbers stay exact and
//! their scale shrinks to the one that is asked for; halves go away from zero unless HALF_TO_EVEN is asked for.
//! TRUNC of a date is DATE_TRUNC.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array};
use arrow::datatypes::{DataType, Decimal128Type};
use datafusion::error::Result;

use super::super::dates;
use super::super::scalar::{Call, Function, Types, function};
use super::super::types::{DIGITS_MAX, digits, is_number, is_text};
use super::arithmetic::same_type;

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["round"], 1, 3, rounded_type, |call| match call.constant_text(2, "rounding mode")?.as_deref() {
        None => run(call, Mode::HalfAway),
        Some(mode) if mode.eq_ignore_ascii_case("half_away_from_zero") => run(call, Mode::HalfAway),
        Some(mode) if mode.eq_ignore_ascii_case("half_to_even") => run(call, Mode::HalfEven),
        Some(mode) => Err(call.error(format!("there is no rounding mode '{mode}'"))),
    }),
    function(&["ceil"], 1, 2, rounded_type, |call| run(call, Mode::Ceil)),
    function(&["floor"], 1, 2, rounded_type, |call| run(call, Mode::Floor)),
    function(&["trunc", "truncate"], 1, 2, trunc_type, trunc),
];

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    HalfAway,
    HalfEven,
    Ceil,
    Floor,
    Trunc,
}

impl Mode {
    fn float(self, value: f64) -> f64 {
        match self {
            Self::HalfAway => value.round(),
            Self::HalfEven => value.round_ties_even(),
            Self::Ceil => value.ceil(),
            Self::Floor => value.floor(),
            Self::Trunc => value.trunc(),
        }
    }

    /// A number without its last `drop` digits.
    fn exact(self, value: i128, drop: u32) -> i128 {
        let Some(unit) = 10i128.checked_pow(drop) else { return 0 };
        let (down, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
        let up = rest != 0
            && match self {
                Self::Floor => false,
                Self::Ceil => true,
                Self::Trunc => value < 0,
                // `down` is the lower neighbour: for negative numbers it is the one away from zero.
                Self::HalfAway => rest > unit - rest || (rest == unit - rest && value > 0),
                Self::HalfEven => rest > unit - rest || (rest == unit - rest && down % 2 != 0),
            };
        down + i128::from(up)
    }
}

fn of_date(types: &Types<'_>) -> bool {
    let first = types.of(0);
    !is_number(first) && types.len() == 2 && is_text(types.of(1))
}

fn trunc_type(types: &Types<'_>) -> Result<DataType> {
    if of_date(types) { dates::date_type(types, 0) } else { rounded_type(types) }
}

fn trunc(call: &Call<'_>) -> Result<ArrayRef> {
    if matches!(call.return_type, DataType::Int64 | DataType::Float64 | DataType::Decimal128(..)) {
        run(call, Mode::Trunc)
    } else {
        dates::truncate(call, 0)
    }
}

/// A decimal's scale becomes the constant scale that is asked for; without a constant it stays.
fn rounded_type(types: &Types<'_>) -> Result<DataType> {
    let same = same_type(types)?;
    let DataType::Decimal128(precision, scale) = same else { return Ok(same) };
    let wanted = if types.len() < 2 { Some(0) } else { types.literal_int(1) };
    Ok(match wanted {
        Some(wanted) if wanted < i64::from(scale) => {
            let kept = wanted.max(0) as i8;
            let leading = precision as i8 - scale;
            DataType::Decimal128((leading + kept + 1).clamp(1, DIGITS_MAX as i8) as u8, kept)
        }
        _ => same,
    })
}

fn run(call: &Call<'_>, mode: Mode) -> Result<ArrayRef> {
    let scales = call.int_or(1, 0)?;
    match *call.return_type {
        DataType::Int64 => {
            let values = call.int(0)?;
            call.ints(|row| {
                let (Some(value), Some(wanted)) = (values.get(row), scales.get(row)) else { return Ok(None) };
                if wanted >= 0 {
                    return Ok(Some(value));
                }
                let drop = u32::try_from(-wanted).unwrap_or(u32::MAX).min(38);
                let rounded = mode.exact(i128::from(value), drop).checked_mul(10i128.pow(drop));
                match rounded.and_then(|value| i64::try_from(value).ok()) {
                    Some(value) => Ok(Some(value)),
                    None => Err(call.error("the result is too large")),
                }
            })
        }
        DataType::Float64 => {
            let values = call.float(0)?;
            call.floats(|row| {
                let (Some(value), Some(wanted)) = (values.get(row), scales.get(row)) else { return Ok(None) };
                let wanted = wanted.clamp(-300, 300) as i32;
                let factor = 10f64.powi(wanted.abs());
                let scaled = if wanted >= 0 { value * factor } else { value / factor };
                if !scaled.is_finite() {
                    return Ok(Some(value));
                }
                let rounded = mode.float(scaled);
                Ok(Some(if wanted >= 0 { rounded / factor } else { rounded * factor }))
            })
        }
        DataType::Decimal128(precision, result) => {
            let input = call.full(0)?;
            let from = digits(input.data_type()).map_or(0, |digits| digits.1);
            let values = arrow::compute::cast(&input, &DataType::Decimal128(DIGITS_MAX, from))?;
            let values = values.as_primitive::<Decimal128Type>();
            let built = (0..call.rows)
                .map(|row| {
                    let Some(wanted) = scales.get(row).filter(|_| values.is_valid(row)) else { return Ok(None) };
                    let value = values.value(row);
                    let drop = (i64::from(from) - wanted).clamp(0, 60) as u32;
                    let rounded = mode.exact(value, drop);
                    // Back to the scale of the result, which may be finer than what is left.
                    let left = i64::from(from) - i64::from(drop);
                    let back = (i64::from(result) - left) as u32;
                    10i128
                        .checked_pow(back)
                        .and_then(|factor| rounded.checked_mul(factor))
                        .map(Some)
                        .ok_or_else(|| call.error("the result is too large"))
                })
                .collect::<Result<Decimal128Array>>()?;
            let built = built.with_precision_and_scale(precision, result)?;
            built.validate_decimal_precision(precision)?;
            Ok(Arc::new(built))
        }
        _ => Err(call.error("takes a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_round_exactly() {
        for (mode, wanted) in [
            (Mode::HalfAway, [3, -3, 2, 4]),
            (Mode::HalfEven, [2, -2, 2, 4]),
            (Mode::Ceil, [3, -2, 3, 4]),
            (Mode::Floor, [2, -3, 2, 3]),
            (Mode::Trunc, [2, -2, 2, 3]),
        ] {
            assert_eq!([25, -25, 24, 35].map(|value| mode.exact(value, 1)), wanted);
        }
    }
}
