//! MEDIAN, PERCENTILE_CONT, PERCENTILE_DISC, APPROX_PERCENTILE. Sources: Snowflake's pages of these names: a value
//! between two exact numbers has three more digits than they have. APPROX_PERCENTILE is exact here.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::super::cast::{Target, convert};
use super::super::numbers::divide;
use super::super::types::{DIGITS_MAX, digits, is_float, is_text, is_variant, name, user};
use super::collect::{Collector, Group};

pub(super) const COLLECTORS: &[Collector] = &[
    Collector {
        name: "median",
        least: 1,
        most: 1,
        element: number,
        prepare: prepared,
        returns: between,
        finish: |group| interpolate(group, 0.5),
        distinct: false,
        within_group: false,
    },
    Collector {
        name: "percentile_cont",
        least: 2,
        most: 2,
        element: number,
        prepare: prepared,
        returns: between,
        finish: |group| interpolate(group, fraction(group)?),
        distinct: false,
        within_group: true,
    },
    Collector {
        name: "percentile_disc",
        least: 2,
        most: 2,
        element: |types| Ok(types[0].clone()),
        prepare: |arguments, _| Ok(arguments[0].clone()),
        returns: |types| Ok(types[0].clone()),
        finish: discrete,
        distinct: false,
        within_group: true,
    },
    Collector {
        name: "approx_percentile",
        least: 2,
        most: 2,
        element: |_| Ok(DataType::Float64),
        prepare: prepared,
        returns: |_| Ok(DataType::Float64),
        finish: |group| interpolate(group, fraction(group)?),
        distinct: false,
        within_group: false,
    },
];

/// Exact numbers are gathered exactly, everything else as floats.
fn number(types: &[DataType]) -> Result<DataType> {
    let from = &types[0];
    if let Some((_, scale)) = digits(from) {
        return Ok(DataType::Decimal128(DIGITS_MAX, scale));
    }
    if is_float(from) || is_text(from) || is_variant(from) || *from == DataType::Null {
        return Ok(DataType::Float64);
    }
    Err(user(format!("the median of {} is not defined; it takes numbers", name(from))))
}

fn prepared(arguments: &[ArrayRef], element: &DataType) -> Result<ArrayRef> {
    let target = match element {
        DataType::Decimal128(precision, scale) => Target::Number(*precision, *scale),
        _ => Target::Float,
    };
    convert(&arguments[0], target, true)
}

fn between(types: &[DataType]) -> Result<DataType> {
    Ok(match digits(&types[0]) {
        Some((precision, scale)) => DataType::Decimal128((precision + 3).min(DIGITS_MAX), (scale + 3).min(37)),
        None => DataType::Float64,
    })
}

/// The constant share, from 0 to 1.
fn fraction(group: &Group<'_>) -> Result<f64> {
    let value = group.constants.first().map(|value| value.cast_to(&DataType::Float64)).transpose()?;
    match value {
        Some(ScalarValue::Float64(Some(share))) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(user(format!("{}: the percentile must be a constant from 0 to 1", group.name))),
    }
}

fn sorted(group: &Group<'_>) -> Result<ArrayRef> {
    let options = SortOptions { descending: group.descending, nulls_first: false };
    Ok(arrow::compute::sort(&group.values, Some(options))?)
}

fn interpolate(group: &Group<'_>, share: f64) -> Result<ScalarValue> {
    if group.values.is_empty() {
        return ScalarValue::try_from(group.return_type);
    }
    let values = sorted(group)?;
    let place = share * (values.len() - 1) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    let part = place - low as f64;
    if let DataType::Decimal128(precision, scale) = *group.return_type {
        let exact = values.as_primitive::<Decimal128Type>();
        let from = i32::from(exact.scale());
        let (below, above) = (exact.value(low), exact.value(high));
        // A millionth of a step is finer than the digits that are kept.
        let million = (part * 1e6).round() as i128;
        let large = || user(format!("{}: the value does not fit", group.name));
        let sum = below
            .checked_mul(1_000_000 - million)
            .and_then(|below| above.checked_mul(million).and_then(|above| below.checked_add(above)))
            .ok_or_else(large)?;
        let value = divide(sum, from, 1_000_000, 0, i32::from(scale)).ok_or_else(large)?;
        return Ok(ScalarValue::Decimal128(Some(value), precision, scale));
    }
    let floats = values.as_primitive::<Float64Type>();
    let (below, above) = (floats.value(low), floats.value(high));
    Ok(ScalarValue::Float64(Some(below + (above - below) * part)))
}

/// The first value whose share of rows up to it is at least the percentile.
fn discrete(group: &Group<'_>) -> Result<ScalarValue> {
    let share = fraction(group)?;
    if group.values.is_empty() {
        return ScalarValue::try_from(group.return_type);
    }
    let values = sorted(group)?;
    let rank = (share * values.len() as f64).ceil().max(1.0) as usize;
    ScalarValue::try_from_array(&values, rank.min(values.len()) - 1)
}
