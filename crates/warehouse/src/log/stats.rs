//! Statistics of a data file: from Parquet's footer to Delta's JSON, and from there to the planner.
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics>.
//!
//! Only bounds that hold are written: long text is cut down for the lower bound and rounded up for the upper one,
//! as Parquet does it. The planner is told that a bound is exact only where its type cannot have been cut.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Schema, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use millstream_core::{Error, Result};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;
use serde_json::{Map, Value};

/// Length at which Parquet cuts text bounds; a bound of this length or more may be cut.
pub(crate) const TEXT_BOUND_BYTES: usize = 64;

/// Significant digits that survive a JSON number read as a float.
const EXACT_FLOAT_DIGITS: usize = 15;

/// Delta's statistics of a written file. Nested columns, floats, binary and booleans get no bounds.
pub(crate) fn from_parquet(metadata: &ParquetMetaData, schema: &Schema) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| Error::ours("a data file's statistics cannot be read").why(error);
    let (mut mins, mut maxs, mut nulls) = (Vec::new(), Vec::new(), Vec::new());
    let parquet_schema = metadata.file_metadata().schema_descr();
    for field in schema.fields() {
        if field.data_type().is_nested() {
            continue;
        }
        let converter =
            StatisticsConverter::try_new(field.name(), schema, parquet_schema).map_err(|error| failed(&error))?;
        let groups = metadata.row_groups();
        let counts = converter.row_group_null_counts(groups).map_err(|error| failed(&error))?;
        let name = Value::from(field.name().as_str()).to_string();
        if counts.null_count() == 0 {
            nulls.push(format!("{name}:{}", counts.iter().flatten().sum::<u64>()));
        }
        if !bounded(field.data_type()) {
            continue;
        }
        let lows = converter.row_group_mins(groups).map_err(|error| failed(&error))?;
        let highs = converter.row_group_maxes(groups).map_err(|error| failed(&error))?;
        let all_null: Vec<bool> = groups
            .iter()
            .enumerate()
            .map(|(group, of)| counts.is_valid(group) && i64::try_from(counts.value(group)).ok() == Some(of.num_rows()))
            .collect();
        if let Some(low) = bound(&lows, &all_null, |a, b| a < b).as_ref().and_then(to_json) {
            mins.push(format!("{name}:{low}"));
        }
        if let Some(high) = bound(&highs, &all_null, |a, b| a > b).as_ref().and_then(to_json) {
            maxs.push(format!("{name}:{high}"));
        }
    }
    let rows = metadata.file_metadata().num_rows();
    // Put together as text, because decimals must not pass through floats.
    Ok(format!(
        "{{\"numRecords\":{rows},\"minValues\":{{{}}},\"maxValues\":{{{}}},\"nullCount\":{{{}}}}}",
        mins.join(","),
        maxs.join(","),
        nulls.join(",")
    ))
}

/// Types whose bounds are written. Not floats: engines disagree on where NaN is, and a wrong bound loses rows.
fn bounded(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Utf8 | DataType::Utf8View | DataType::Date32 | DataType::Timestamp(..) | DataType::Decimal128(..)
        )
}

fn bound(values: &ArrayRef, all_null: &[bool], better: fn(&ScalarValue, &ScalarValue) -> bool) -> Option<ScalarValue> {
    let mut best: Option<ScalarValue> = None;
    for (row, all_null) in all_null.iter().enumerate() {
        // A group of nulls only has no bounds and does not widen them; any other group must have one.
        if *all_null {
            continue;
        }
        let value = ScalarValue::try_from_array(values, row).ok()?;
        if value.is_null() {
            return None;
        }
        if best.as_ref().is_none_or(|best| better(&value, best)) {
            best = Some(value);
        }
    }
    best
}

fn to_json(value: &ScalarValue) -> Option<String> {
    let micros = |micros: i64, zone: &str| {
        let at = DateTime::from_timestamp_micros(micros)?;
        Some(format!("\"{}{zone}\"", at.format("%Y-%m-%dT%H:%M:%S%.6f")))
    };
    match value {
        ScalarValue::Int8(Some(v)) => Some(v.to_string()),
        ScalarValue::Int16(Some(v)) => Some(v.to_string()),
        ScalarValue::Int32(Some(v)) => Some(v.to_string()),
        ScalarValue::Int64(Some(v)) => Some(v.to_string()),
        ScalarValue::Decimal128(Some(v), _, scale) => Some(decimal_text(*v, *scale)),
        ScalarValue::Date32(Some(days)) => {
            let date = NaiveDate::from_epoch_days(*days)?;
            Some(format!("\"{}\"", date.format("%Y-%m-%d")))
        }
        ScalarValue::TimestampMicrosecond(Some(v), Some(_)) => micros(*v, "Z"),
        ScalarValue::TimestampMicrosecond(Some(v), None) => micros(*v, ""),
        ScalarValue::Utf8(Some(v)) | ScalarValue::Utf8View(Some(v)) | ScalarValue::LargeUtf8(Some(v)) => {
            serde_json::to_string(v).ok()
        }
        _ => None,
    }
}

fn decimal_text(value: i128, scale: i8) -> String {
    let scale = scale.max(0) as usize;
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// What the planner may know of a file. `schema` is the engine's; absent statistics stay absent.
pub(crate) fn for_planner(stats: &Map<String, Value>, bytes: u64, schema: &Schema) -> Statistics {
    let rows = stats.get("numRecords").and_then(Value::as_u64).and_then(|rows| usize::try_from(rows).ok());
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            let of = |kind: &str| stats.get(kind).and_then(|values| values.get(field.name()));
            let nulls = of("nullCount").and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
            let mut column = ColumnStatistics::new_unknown();
            column.null_count = nulls.map_or(Precision::Absent, Precision::Exact);
            let precision = |value: ScalarValue| {
                if exact(&value) { Precision::Exact(value) } else { Precision::Inexact(value) }
            };
            column.min_value =
                of("minValues").and_then(|v| parse(v, field.data_type())).map_or(Precision::Absent, precision);
            column.max_value =
                of("maxValues").and_then(|v| parse(v, field.data_type())).map_or(Precision::Absent, precision);
            column
        })
        .collect();
    Statistics {
        num_rows: rows.map_or(Precision::Absent, Precision::Exact),
        total_byte_size: usize::try_from(bytes).map_or(Precision::Absent, Precision::Inexact),
        column_statistics: columns,
    }
}

/// Whether a bound of this type is a value that occurs. Other writers cut timestamps to milliseconds and text at will.
fn exact(value: &ScalarValue) -> bool {
    value.data_type().is_integer() || matches!(value, ScalarValue::Date32(_) | ScalarValue::Decimal128(..))
}

fn parse(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    match data_type {
        DataType::Int8 => Some(ScalarValue::Int8(Some(value.as_i64()?.try_into().ok()?))),
        DataType::Int16 => Some(ScalarValue::Int16(Some(value.as_i64()?.try_into().ok()?))),
        DataType::Int32 => Some(ScalarValue::Int32(Some(value.as_i64()?.try_into().ok()?))),
        DataType::Int64 => Some(ScalarValue::Int64(Some(value.as_i64()?))),
        DataType::Decimal128(precision, scale) => {
            let unscaled = parse_decimal(&value.as_number()?.to_string(), *scale)?;
            Some(ScalarValue::Decimal128(Some(unscaled), *precision, *scale))
        }
        DataType::Date32 => {
            let date = NaiveDate::parse_from_str(value.as_str()?, "%Y-%m-%d").ok()?;
            Some(ScalarValue::Date32(Some(date.to_epoch_days())))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let text = value.as_str()?;
            let micros = match zone {
                Some(_) => DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros(),
                None => NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), "%Y-%m-%dT%H:%M:%S%.f")
                    .ok()?
                    .and_utc()
                    .timestamp_micros(),
            };
            Some(ScalarValue::TimestampMicrosecond(Some(micros), zone.clone()))
        }
        DataType::Utf8View => Some(ScalarValue::Utf8View(Some(value.as_str()?.to_owned()))),
        _ => None,
    }
}

/// The unscaled value of a decimal in a JSON number; none when digits may have been lost on the way.
fn parse_decimal(text: &str, scale: i8) -> Option<i128> {
    let scale = usize::try_from(scale).ok()?;
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let significant = whole.trim_start_matches('0').len() + fraction.len();
    if significant > EXACT_FLOAT_DIGITS || fraction.len() > scale {
        return None;
    }
    let unscaled: i128 = format!("{whole}{fraction:0<scale$}").parse().ok()?;
    Some(sign * unscaled)
}

/// Whether every row of a file has this text in the column, as far as statistics tell: `Some(true)` all have it,
/// `Some(false)` none has it, `None` some may have it.
pub(crate) fn holds_only(stats: &Map<String, Value>, column: &str, text: &str) -> Option<bool> {
    let of = |kind: &str| stats.get(kind).and_then(|values| values.get(column));
    let low = of("minValues").and_then(Value::as_str)?;
    let high = of("maxValues").and_then(Value::as_str)?;
    if text < low || text > high {
        return Some(false);
    }
    let no_nulls = of("nullCount").and_then(Value::as_u64) == Some(0);
    let whole = low.len() < TEXT_BOUND_BYTES && high.len() < TEXT_BOUND_BYTES;
    (no_nulls && whole && low == text && high == text).then_some(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn decimals_are_written_and_read_exactly_or_not_at_all() {
        assert_eq!(decimal_text(-5, 2), "-0.05");
        assert_eq!(decimal_text(12345, 2), "123.45");
        assert_eq!(decimal_text(7, 0), "7");
        assert_eq!(parse_decimal("-0.05", 2), Some(-5));
        assert_eq!(parse_decimal("123.4", 2), Some(12340));
        assert_eq!(parse_decimal("123.456", 2), None);
        assert_eq!(parse_decimal("12345678901234567.89", 2), None);
    }

    #[test]
    fn bounds_tell_whether_a_file_holds_one_text() {
        let stats = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
        let one = stats(r#"{"minValues":{"f":"a"},"maxValues":{"f":"a"},"nullCount":{"f":0}}"#);
        assert_eq!(holds_only(&one, "f", "a"), Some(true));
        assert_eq!(holds_only(&one, "f", "b"), Some(false));
        let nulls = stats(r#"{"minValues":{"f":"a"},"maxValues":{"f":"a"},"nullCount":{"f":1}}"#);
        assert_eq!(holds_only(&nulls, "f", "a"), None);
        let two = stats(r#"{"minValues":{"f":"a"},"maxValues":{"f":"c"},"nullCount":{"f":0}}"#);
        assert_eq!(holds_only(&two, "f", "b"), None);
        assert_eq!(holds_only(&stats("{}"), "f", "b"), None);
    }

    #[test]
    fn bounds_come_back_with_their_type() {
        let zone = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for (scalar, data_type) in [
            (ScalarValue::TimestampMicrosecond(Some(1_750_000_000_123_456), Some("UTC".into())), zone),
            (ScalarValue::Date32(Some(20_000)), DataType::Date32),
            (ScalarValue::Decimal128(Some(-20_000), 18, 2), DataType::Decimal128(18, 2)),
            (ScalarValue::Utf8View(Some("a\"b".into())), DataType::Utf8View),
        ] {
            let json: Value = serde_json::from_str(&to_json(&scalar).unwrap()).unwrap();
            assert_eq!(parse(&json, &data_type), Some(scalar));
        }
    }
}
