//! TO_… and TRY_TO_… with their formats. Sources: Snowflake's pages "TO_DECIMAL , TO_NUMBER , TO_NUMERIC",
//! "TO_CHAR , TO_VARCHAR", "TO_DATE , DATE", "TO_TIMESTAMP / TO_TIMESTAMP_*", "TO_TIME , TIME", "TO_BOOLEAN",
//! "TO_DOUBLE", "TO_BINARY" and the TRY_ pages beside them.
//!
//! A number given to TO_TIMESTAMP counts seconds unless a scale says otherwise; a text of digits tells its unit by its
//! size. TIMESTAMP without suffix is TIMESTAMP_NTZ.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Date32Array, Decimal128Array, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Decimal128Type, Time64MicrosecondType, TimestampMicrosecondType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, Types, boolean, date, float, function, text, variant};
use super::super::time::{self, Format, Reading};
use super::super::types::{self, is_number, is_text, is_variant, name, user};
use super::to::{epoch, from_hex, timestamp};
use super::{NumberFormat, Target, convert, parse_decimal, to_decimal, to_text};

pub(in crate::snowflake) const FUNCTIONS: &[Function] = &[
    function(&["to_number", "to_decimal", "to_numeric"], 1, 4, number_type, to_number),
    function(&["try_to_number", "try_to_decimal", "try_to_numeric"], 1, 4, number_type, to_number),
    function(&["to_double", "try_to_double"], 1, 2, float, to_double),
    function(&["to_boolean", "try_to_boolean"], 1, 1, boolean, |call| convert_one(call, Target::Boolean)),
    function(&["to_varchar", "to_char", "to_text", "try_to_varchar"], 1, 2, text, to_varchar),
    function(&["to_date", "date", "try_to_date"], 1, 2, date, to_date),
    function(&["to_time", "time", "try_to_time"], 1, 2, |_| Ok(types::time()), to_time),
    function(
        &["to_timestamp", "to_timestamp_ntz", "try_to_timestamp", "try_to_timestamp_ntz"],
        1,
        2,
        |_| Ok(types::ntz()),
        |call| to_timestamp(call, false),
    ),
    function(
        &["to_timestamp_ltz", "to_timestamp_tz", "try_to_timestamp_ltz", "try_to_timestamp_tz"],
        1,
        2,
        |_| Ok(types::tz()),
        |call| to_timestamp(call, true),
    ),
    function(&["to_binary", "try_to_binary"], 1, 2, |_| Ok(DataType::Binary), to_binary),
    function(&["to_variant"], 1, 1, variant, |call| convert_one(call, Target::Variant)),
    function(&["to_object"], 1, 1, variant, |call| convert_one(call, Target::Object)),
    function(&["to_array"], 1, 1, variant, |call| convert_one(call, Target::Array)),
];

fn strict(call: &Call<'_>) -> bool {
    !call.name.starts_with("try_")
}

fn convert_one(call: &Call<'_>, target: Target) -> Result<ArrayRef> {
    convert(&call.full(0)?, target, strict(call))
}

/// Where precision and scale stand: behind the format, when there is one.
fn digits_from(second: &DataType) -> usize {
    if is_text(second) { 2 } else { 1 }
}

fn number_type(types: &Types<'_>) -> Result<DataType> {
    let at = digits_from(types.of(1));
    let argument = |index: usize, default: i64| {
        if index >= types.len() {
            return Ok(default);
        }
        types.literal_int(index).ok_or_else(|| user(format!("{}: precision and scale must be constants", types.name)))
    };
    let (precision, scale) = (argument(at, 38)?, argument(at + 1, 0)?);
    match super::target(&format!("number({precision},{scale})"))? {
        Target::Number(precision, scale) => Ok(DataType::Decimal128(precision, scale)),
        _ => Err(user("not a number's type")),
    }
}

fn to_number(call: &Call<'_>) -> Result<ArrayRef> {
    let DataType::Decimal128(precision, scale) = *call.return_type else {
        return Err(call.error("the result is no NUMBER"));
    };
    let input = call.full(0)?;
    if call.len() < 2 || !is_text(&call.type_of(1)) {
        return to_decimal(&input, precision, scale, strict(call));
    }
    let Some(format) = call.constant_text(1, "format")? else {
        return Ok(arrow::array::new_null_array(call.return_type, call.rows));
    };
    let format = NumberFormat::parse(&format).map_err(|error| call.error(error))?;
    let texts = to_text(&input)?;
    let limit = 10i128.checked_pow(u32::from(precision)).unwrap_or(i128::MAX);
    let values = (0..call.rows)
        .map(|row| {
            let Some(text) = texts.get(row) else { return Ok(None) };
            let plain = format.plain(text);
            let value = if format.is_hexadecimal() {
                i128::from_str_radix(&plain, 16).ok().and_then(|value| super::rescale(value, 0, i32::from(scale)))
            } else {
                parse_decimal(&plain, i32::from(scale)).ok()
            };
            match value.filter(|value| value.abs() < limit) {
                None if strict(call) => Err(call.error(format!("'{text}' is not a number in this format"))),
                value => Ok(value),
            }
        })
        .collect::<Result<Decimal128Array>>()?;
    Ok(Arc::new(values.with_precision_and_scale(precision, scale)?))
}

fn to_double(call: &Call<'_>) -> Result<ArrayRef> {
    if call.len() == 2 {
        let Some(format) = call.constant_text(1, "format")? else {
            return Ok(arrow::array::new_null_array(&DataType::Float64, call.rows));
        };
        let format = NumberFormat::parse(&format).map_err(|error| call.error(error))?;
        let texts = call.text(0)?;
        return call.floats(|row| match texts.get(row).map(|text| (text, format.plain(text).parse::<f64>())) {
            None => Ok(None),
            Some((_, Ok(value))) => Ok(Some(value)),
            Some((text, Err(_))) if strict(call) => Err(call.error(format!("'{text}' is not a number in this format"))),
            Some(_) => Ok(None),
        });
    }
    convert_one(call, Target::Float)
}

fn to_varchar(call: &Call<'_>) -> Result<ArrayRef> {
    let input = call.full(0)?;
    if call.len() == 1 {
        let texts = to_text(&input)?.into_array();
        return Ok(if *texts.data_type() == DataType::Utf8 {
            texts
        } else {
            arrow::compute::cast(&texts, &DataType::Utf8)?
        });
    }
    let formats = call.text(1)?;
    let from = input.data_type().clone();
    if is_number(&from) {
        return number_text(call, &input);
    }
    match from {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            let zoned = matches!(from, DataType::Timestamp(_, Some(_)));
            let instants = timestamp(&input, zoned, true)?;
            let instants = instants.as_primitive::<TimestampMicrosecondType>();
            let mut cache = FormatCache::default();
            call.texts(|row, out| {
                let (true, Some(format)) = (instants.is_valid(row), formats.get(row)) else { return Ok(false) };
                cache.get(format, call)?.write(instants.value(row), zoned, out);
                Ok(true)
            })
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            let times = convert(&input, Target::Time, true)?;
            let times = times.as_primitive::<Time64MicrosecondType>();
            let mut cache = FormatCache::default();
            call.texts(|row, out| {
                let (true, Some(format)) = (times.is_valid(row), formats.get(row)) else { return Ok(false) };
                cache.get(format, call)?.write(times.value(row), false, out);
                Ok(true)
            })
        }
        DataType::Binary | DataType::BinaryView | DataType::LargeBinary => {
            let bytes = call.bytes(0)?;
            call.texts(|row, out| {
                let at = bytes.at(row);
                let (true, Some(format)) = (bytes.array.is_valid(at), formats.get(row)) else { return Ok(false) };
                let bytes = bytes.array.value(at);
                match format.to_ascii_lowercase().as_str() {
                    "hex" => bytes.iter().for_each(|byte| out.push_str(&format!("{byte:02X}"))),
                    "base64" => STANDARD.encode_string(bytes, out),
                    "utf-8" | "utf8" => out
                        .push_str(std::str::from_utf8(bytes).map_err(|_| call.error("the bytes are not UTF-8 text"))?),
                    other => return Err(call.error(format!("there is no binary format '{other}'"))),
                }
                Ok(true)
            })
        }
        DataType::Null => Ok(arrow::array::new_null_array(&DataType::Utf8, call.rows)),
        other => Err(call.error(format!("{} takes no format", name(&other)))),
    }
}

fn number_text(call: &Call<'_>, input: &ArrayRef) -> Result<ArrayRef> {
    let Some(format) = call.constant_text(1, "format")? else {
        return Ok(arrow::array::new_null_array(&DataType::Utf8, call.rows));
    };
    let format = NumberFormat::parse(&format).map_err(|error| call.error(error))?;
    if format.is_minimal() {
        let texts = to_text(input)?;
        return call.texts(|row, out| {
            out.push_str(texts.get(row).unwrap_or_default());
            Ok(texts.get(row).is_some())
        });
    }
    let values = to_decimal(input, 38, format.scale(), true)?;
    let values = values.as_primitive::<Decimal128Type>();
    call.texts(|row, out| {
        if values.is_null(row) {
            return Ok(false);
        }
        let value = values.value(row);
        if format.is_hexadecimal() && value < 0 {
            return Err(call.error(format!("{value} in hexadecimal digits is not supported: it is negative")));
        }
        format.write(value, out);
        Ok(true)
    })
}

/// The format that was used last: nearly always the one for all rows. One without any element writes itself, as in
/// Snowflake (`'Day'`, which is PostgreSQL's), and reads nothing.
#[derive(Default)]
struct FormatCache {
    last: Option<(String, Format)>,
}

impl FormatCache {
    fn get(&mut self, text: &str, call: &Call<'_>) -> Result<&Format> {
        if self.last.as_ref().is_none_or(|(last, _)| last != text) {
            self.last = Some((text.to_owned(), Format::parse(text)));
        }
        match &self.last {
            Some((_, format)) => Ok(format),
            None => Err(call.error("no format")),
        }
    }
}

/// Texts read in the format of the second argument; AUTO finds the format out.
fn readings<T>(call: &Call<'_>, what: &str, take: impl Fn(Reading) -> Option<T>) -> Result<Vec<Option<T>>> {
    let (texts, formats) = (call.text(0)?, call.text(1)?);
    let mut cache = FormatCache::default();
    (0..call.rows)
        .map(|row| {
            let (Some(text), Some(format)) = (texts.get(row), formats.get(row)) else { return Ok(None) };
            let reading = if format.eq_ignore_ascii_case("auto") {
                time::parse(text)
            } else {
                let parsed = cache.get(format, call)?;
                if !parsed.has_elements() {
                    return Err(call.error(format!("'{format}' is no format of dates or times")));
                }
                parsed.read(text)
            };
            match reading.and_then(&take) {
                None if strict(call) => Err(call.error(format!("'{text}' is not a {what} in the format '{format}'"))),
                value => Ok(value),
            }
        })
        .collect()
}

/// Whether a format is given and applies: only texts (also those of variants) have one.
fn formatted(call: &Call<'_>) -> Result<bool> {
    if call.len() < 2 {
        return Ok(false);
    }
    let from = call.type_of(0);
    if is_text(&from) || is_variant(&from) || from == DataType::Null {
        return Ok(true);
    }
    if is_text(&call.type_of(1)) {
        return Err(call.error(format!("{} is not read in a format; only text is", name(&from))));
    }
    Ok(false)
}

fn to_date(call: &Call<'_>) -> Result<ArrayRef> {
    if formatted(call)? {
        return Ok(Arc::new(Date32Array::from(readings(call, "date", |reading| Some(reading.days))?)));
    }
    convert_one(call, Target::Date)
}

fn to_time(call: &Call<'_>) -> Result<ArrayRef> {
    if formatted(call)? {
        let micros = readings(call, "time", |reading| Some(reading.micros))?;
        return Ok(Arc::new(Time64MicrosecondArray::from(micros)));
    }
    convert_one(call, Target::Time)
}

fn to_timestamp(call: &Call<'_>, zoned: bool) -> Result<ArrayRef> {
    let zone = |values: TimestampMicrosecondArray| -> ArrayRef {
        Arc::new(values.with_timezone_opt(if zoned { Some("UTC") } else { None }))
    };
    if call.len() == 2 && is_number(&call.type_of(1)) {
        if !is_number(&call.type_of(0)) {
            return Err(call.error("only a number has a scale"));
        }
        let scale = call.int(1)?;
        let constant = || call.error("the scale must be a constant from 0 to 9");
        if !scale.scalar {
            return Err(constant());
        }
        let Some(unit) = scale.get(0) else { return Ok(arrow::array::new_null_array(call.return_type, call.rows)) };
        if !(0..=9).contains(&unit) {
            return Err(constant());
        }
        return Ok(zone(epoch(&call.full(0)?, unit as i32)?));
    }
    if formatted(call)? {
        let take = |reading: Reading| if zoned { reading.instant() } else { reading.wall() };
        return Ok(zone(TimestampMicrosecondArray::from(readings(call, "timestamp", take)?)));
    }
    timestamp(&call.full(0)?, zoned, strict(call))
}

fn to_binary(call: &Call<'_>) -> Result<ArrayRef> {
    if call.len() == 1 {
        return convert_one(call, Target::Binary);
    }
    let (texts, formats) = (call.text(0)?, call.text(1)?);
    let values = (0..call.rows)
        .map(|row| {
            let (Some(text), Some(format)) = (texts.get(row), formats.get(row)) else { return Ok(None) };
            let bytes = match format.to_ascii_lowercase().as_str() {
                "hex" => from_hex(text),
                "base64" => STANDARD.decode(text).ok(),
                "utf-8" | "utf8" => Some(text.as_bytes().to_vec()),
                other => return Err(call.error(format!("there is no binary format '{other}'"))),
            };
            match bytes {
                None if strict(call) => Err(call.error(format!("'{text}' is not {format}"))),
                bytes => Ok(bytes),
            }
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(BinaryArray::from_iter(values)))
}
