//! `timezone(zone, instant)`, which `instant at time zone zone` means: the clock of a place, and back.
//!
//! As in PostgreSQL: of a `timestamp with time zone` it gives what a clock in the zone shows, a `timestamp`; a `timestamp`
//! is read as such a clock and becomes an instant. The engine only relabels, so that a later cast gave UTC's clock.
//! A clock reading that occurs twice means standard time, one that is skipped is read by the offset before the gap.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::types::TimestampMicrosecondType;
use arrow::array::{Array, AsArray, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::temporal_conversions::{as_datetime, as_datetime_with_timezone};
use chrono::{Duration, NaiveDateTime, TimeZone};
use datafusion::common::{ScalarValue, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

/// How far before a gap its earlier offset is surely in force; no zone changed by more.
const BEFORE_GAP: Duration = Duration::hours(26);

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Timezone {
    signature: Signature,
}

impl Timezone {
    pub(super) fn udf() -> ScalarUDF {
        ScalarUDF::from(Self { signature: Signature::user_defined(Volatility::Immutable) })
    }
}

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn clock() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

impl ScalarUDFImpl for Timezone {
    fn name(&self) -> &str {
        "timezone"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [zone, value] = types else {
            return plan_err!("timezone takes a zone and a timestamp, not {} arguments", types.len());
        };
        if !matches!(zone, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null) {
            return plan_err!("a time zone is a text such as 'Europe/Berlin', not {zone}");
        }
        let value = match value {
            DataType::Timestamp(_, None) => clock(),
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Null => instant(),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => instant(),
            other => return plan_err!("only dates and timestamps have a time zone, not {other}"),
        };
        Ok(vec![DataType::Utf8, value])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [_, DataType::Timestamp(_, None)] => Ok(instant()),
            _ => Ok(clock()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [zones, values] = args.args.as_slice() else {
            return exec_err!("timezone takes a zone and a timestamp");
        };
        let rows = args.number_rows;
        let constant = matches!((zones, values), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { rows };
        let zones = cast(&zones.to_array(rows)?, &DataType::Utf8)?;
        let values = values.to_array(rows)?;
        let moved: Arc<dyn Array> = Arc::new(moved(zones.as_string::<i32>(), values.as_ref())?);
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&moved, 0)?));
        }
        Ok(ColumnarValue::Array(moved))
    }
}

/// The name of a zone that is written in other letters: `utc`, `america/new_york`.
fn canonical(name: &str) -> Option<&'static str> {
    chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).find(|known| known.eq_ignore_ascii_case(name))
}

fn moved(zones: &StringArray, values: &dyn Array) -> Result<TimestampMicrosecondArray> {
    let from_clock = matches!(values.data_type(), DataType::Timestamp(_, None));
    let micros = cast(values, &if from_clock { clock() } else { instant() })?;
    let micros = micros.as_primitive::<TimestampMicrosecondType>();
    // Nearly always there is one zone: it is read once.
    let mut known: Option<(&str, Tz)> = None;
    let mut moved = Vec::with_capacity(micros.len());
    for (zone, at) in zones.iter().zip(micros) {
        let (Some(name), Some(at)) = (zone, at) else {
            moved.push(None);
            continue;
        };
        let zone = match known {
            Some((last, zone)) if last == name => zone,
            _ => match name.parse::<Tz>().ok().or_else(|| canonical(name)?.parse().ok()) {
                Some(zone) => zone,
                None => {
                    return exec_err!("there is no time zone '{name}'; write for example 'Europe/Berlin' or '+02:00'");
                }
            },
        };
        known = Some((name, zone));
        let there = if from_clock {
            as_datetime::<TimestampMicrosecondType>(at).and_then(|local| instant_of(local, &zone))
        } else {
            as_datetime_with_timezone::<TimestampMicrosecondType>(at, zone).map(|at| at.naive_local())
        };
        match there {
            Some(there) => moved.push(Some(there.and_utc().timestamp_micros())),
            None => return exec_err!("a timestamp is outside of what the calendar of '{name}' holds"),
        }
    }
    let moved = TimestampMicrosecondArray::from(moved);
    Ok(if from_clock { moved.with_timezone("UTC") } else { moved })
}

/// The instant, in UTC, at which a clock in the zone shows this.
fn instant_of(local: NaiveDateTime, zone: &Tz) -> Option<NaiveDateTime> {
    match zone.from_local_datetime(&local) {
        chrono::LocalResult::Single(at) => Some(at.naive_utc()),
        chrono::LocalResult::Ambiguous(_, standard) => Some(standard.naive_utc()),
        chrono::LocalResult::None => {
            let before = local.checked_sub_signed(BEFORE_GAP)?;
            let at = zone.from_local_datetime(&before).latest()?;
            at.naive_utc().checked_add_signed(BEFORE_GAP)
        }
    }
}
