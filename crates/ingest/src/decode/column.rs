//! One column of a batch: values read from their spans into an Arrow array, every rule checked on the way.
//!
//! Guarantees: the array has one slot for each record; a value that breaks a rule leaves an arbitrary slot there
//! and a [`Broken`] in the list, so that the caller takes the record out. An empty value is null, except that a
//! quoted empty text (`""`) stays an empty text; `required` accepts neither.
//!
//! Nothing is allocated for a value that keeps its rules: this runs hundreds of millions of times.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, BooleanArray, NullBufferBuilder, PrimitiveArray, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use millstream_core::{Error, Result};

use super::fields::{Fields, Kind};
use super::{number, text, time};
use crate::broken::Broken;
use crate::contract::{Column, ColumnType};

/// A column of a batch that is to be read.
pub(crate) struct Source<'a> {
    /// The column's contract.
    pub(crate) column: &'a Column,
    /// Its index among the declared columns.
    pub(crate) index: usize,
    /// Its place in each record of `fields`.
    pub(crate) field: usize,
    /// Where the values are.
    pub(crate) fields: &'a Fields,
    /// The bytes that were scanned.
    pub(crate) input: &'a [u8],
}

/// A broken rule's name and what to say after the column's name.
type Violation = (&'static str, String);

/// Reads a column. Broken rules are added to `broken`.
pub(crate) fn decode(source: &Source<'_>, broken: &mut Vec<Broken>) -> Result<ArrayRef> {
    match source.column.ty {
        ColumnType::Text => decode_text(source, broken),
        ColumnType::Boolean => Ok(decode_boolean(source, broken)),
        ColumnType::Decimal { precision, scale } => {
            let array = primitive::<Decimal128Type>(
                source,
                broken,
                JsonForm::NumberOrText,
                |value| {
                    number::decimal(value, precision, scale).map_err(|error| {
                        (error.rule(), format!("'{}' {}", text::shown(value), error.describe(precision, scale)))
                    })
                },
                exact_rules(source.column),
            );
            let array = array.with_precision_and_scale(precision, scale as i8);
            Ok(Arc::new(array.map_err(|e| Error::ours("a decimal column cannot be built").why(e))?))
        }
        ColumnType::Int32 => Ok(Arc::new(primitive::<Int32Type>(
            source,
            broken,
            JsonForm::NumberOrText,
            |value| {
                number::integer(value)
                    .and_then(|wide| i32::try_from(wide).ok())
                    .ok_or_else(|| not_a("an integer of 32 bits", value))
            },
            exact_rules(source.column),
        ))),
        ColumnType::Int64 => Ok(Arc::new(primitive::<Int64Type>(
            source,
            broken,
            JsonForm::NumberOrText,
            |value| number::integer(value).ok_or_else(|| not_a("an integer of 64 bits", value)),
            exact_rules(source.column),
        ))),
        ColumnType::Date => Ok(Arc::new(primitive::<Date32Type>(
            source,
            broken,
            JsonForm::Text,
            |value| time::date(value).ok_or_else(|| not_a("a date (YYYY-MM-DD)", value)),
            exact_rules(source.column),
        ))),
        ColumnType::Timestamp => {
            let array = primitive::<TimestampMicrosecondType>(
                source,
                broken,
                JsonForm::Text,
                |value| time::timestamp(value).ok_or_else(|| not_a("an ISO-8601 timestamp", value)),
                exact_rules(source.column),
            );
            Ok(Arc::new(array.with_timezone("UTC")))
        }
        ColumnType::Double => Ok(Arc::new(primitive::<Float64Type>(
            source,
            broken,
            JsonForm::NumberOrText,
            |value| number::double(value).ok_or_else(|| not_a("a finite number", value)),
            double_rules(source.column),
        ))),
    }
}

/// Which JSON values a typed column accepts. Numbers in quotes are accepted because careful producers write
/// decimals that way.
#[derive(Clone, Copy, PartialEq)]
enum JsonForm {
    Text,
    NumberOrText,
}

fn primitive<T: ArrowPrimitiveType>(
    source: &Source<'_>,
    broken: &mut Vec<Broken>,
    form: JsonForm,
    read: impl Fn(&[u8]) -> Result<T::Native, Violation>,
    keeps: impl Fn(T::Native, &[u8]) -> Result<(), Violation>,
) -> PrimitiveArray<T> {
    let rows = source.fields.rows();
    let mut values: Vec<T::Native> = Vec::with_capacity(rows);
    let mut nulls = NullBufferBuilder::new(rows);
    for row in 0..rows {
        let (kind, bytes) = source.fields.get(source.input, row, source.field);
        let read = match kind {
            Kind::Text if bytes.is_empty() => Ok(None),
            Kind::Null => Ok(None),
            Kind::Text => read(bytes).map(Some),
            Kind::Number if form == JsonForm::NumberOrText => read(bytes).map(Some),
            _ => Err(wrong_kind(source, kind, bytes)),
        };
        match read {
            Ok(Some(value)) => {
                if let Err(violation) = keeps(value, bytes) {
                    broken.push(source.broken(row, violation));
                }
                values.push(value);
                nulls.append_non_null();
            }
            missing => {
                match missing {
                    Err(violation) => broken.push(source.broken(row, violation)),
                    _ => source.check_required(row, broken),
                }
                values.push(T::Native::default());
                nulls.append_null();
            }
        }
    }
    PrimitiveArray::new(ScalarBuffer::from(values), nulls.finish())
}

fn decode_boolean(source: &Source<'_>, broken: &mut Vec<Broken>) -> ArrayRef {
    let rows = source.fields.rows();
    let mut values = Vec::with_capacity(rows);
    let mut nulls = NullBufferBuilder::new(rows);
    for row in 0..rows {
        let (kind, bytes) = source.fields.get(source.input, row, source.field);
        let read = match kind {
            Kind::Text if bytes.is_empty() => Ok(None),
            Kind::Null => Ok(None),
            Kind::Text | Kind::Literal => text::boolean(bytes).map(Some).ok_or_else(|| not_a("true or false", bytes)),
            _ => Err(wrong_kind(source, kind, bytes)),
        };
        match read {
            Ok(Some(_)) => {}
            Ok(None) => source.check_required(row, broken),
            Err(ref violation) => broken.push(source.broken(row, violation.clone())),
        }
        let value = read.unwrap_or(None);
        values.push(value.unwrap_or(false));
        nulls.append(value.is_some());
    }
    Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls.finish()))
}

fn decode_text(source: &Source<'_>, broken: &mut Vec<Broken>) -> Result<ArrayRef> {
    let rows = source.fields.rows();
    let mut values: Vec<u8> = Vec::with_capacity(source.fields.column_bytes(source.field));
    let mut offsets: Vec<i32> = Vec::with_capacity(rows + 1);
    let mut nulls = NullBufferBuilder::new(rows);
    let mut kept = Kept::new(source.column);
    offsets.push(0);
    for row in 0..rows {
        let (kind, bytes) = source.fields.get(source.input, row, source.field);
        match kind {
            Kind::Null => {
                source.check_required(row, broken);
                nulls.append_null();
            }
            Kind::Text => {
                if !kept.knows(bytes) {
                    let before = broken.len();
                    text_rules(source, row, bytes, broken);
                    if broken.len() == before {
                        kept.learn(bytes);
                    }
                }
                values.extend_from_slice(bytes);
                nulls.append_non_null();
            }
            _ => {
                broken.push(source.broken(row, wrong_kind(source, kind, bytes)));
                nulls.append_null();
            }
        }
        let end =
            i32::try_from(values.len()).map_err(|_| Error::ours("a batch has more than 2 GiB of one text column"))?;
        offsets.push(end);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let array = StringArray::try_new(offsets, Buffer::from_vec(values), nulls.finish());
    Ok(Arc::new(array.map_err(|e| Error::ours("a text column cannot be built").why(e))?))
}

/// The last values that kept all rules of a column whose rules are slow. Categories, currencies and merchants come
/// again and again; searching them once per batch instead of once per row is much of the speed.
struct Kept<'a> {
    values: Option<[&'a [u8]; Kept::SLOTS]>,
}

impl<'a> Kept<'a> {
    const SLOTS: usize = 64;
    /// Longer values hardly come again.
    const BYTES_MAX: usize = 32;

    fn new(column: &Column) -> Self {
        let rules = &column.rules;
        let slow = rules.regex.is_some() || rules.allowed.is_some() || rules.list_of.is_some();
        Self { values: slow.then_some([&[]; Kept::SLOTS]) }
    }

    #[inline]
    fn slot(value: &[u8]) -> usize {
        let ends =
            value.first().zip(value.last()).map_or(0, |(first, last)| usize::from(*first) * 5 + usize::from(*last));
        (ends + value.len() * 17) % Kept::SLOTS
    }

    /// Whether the value kept all rules before. Never of an empty one, for which `required` asks.
    #[inline]
    fn knows(&self, value: &[u8]) -> bool {
        !value.is_empty() && self.values.as_ref().is_some_and(|values| values[Kept::slot(value)] == value)
    }

    #[inline]
    fn learn(&mut self, value: &'a [u8]) {
        if let Some(values) = &mut self.values
            && value.len() <= Kept::BYTES_MAX
        {
            values[Kept::slot(value)] = value;
        }
    }
}

#[inline]
fn text_rules(source: &Source<'_>, row: usize, value: &[u8], broken: &mut Vec<Broken>) {
    let rules = &source.column.rules;
    if value.is_empty() {
        source.check_required(row, broken);
        // An empty text that is not required is the absence of a value: the other rules are about values.
        return;
    }
    let mut tell = |rule, message| broken.push(source.broken(row, (rule, message)));
    if let Some(format) = rules.format.filter(|format| !format.holds(value)) {
        tell("format", format!("'{}' is not of format {}", text::shown(value), format.name()));
    }
    if let Some(allowed) = &rules.allowed
        && !allowed.iter().any(|word| word.as_bytes() == value)
    {
        tell("allowed", format!("'{}' is not one of the allowed values", text::shown(value)));
    }
    if let Some(items) = &rules.list_of {
        let unknown = value.split(|byte| *byte == b',').find(|item| !items.iter().any(|word| word.as_bytes() == *item));
        if let Some(item) = unknown {
            tell("list_of", format!("'{}' is not one of the allowed items", text::shown(item)));
        }
    }
    if rules.regex.as_ref().is_some_and(|regex| !regex.is_match(value)) {
        tell("regex", format!("'{}' does not match the pattern", text::shown(value)));
    }
    if rules.min_length.is_some() || rules.max_length.is_some() {
        let length = text::characters(value);
        if let Some(limit) = rules.min_length.filter(|limit| length < *limit) {
            tell("min_length", format!("has {length} characters, at least {limit} are declared"));
        }
        if let Some(limit) = rules.max_length.filter(|limit| length > *limit) {
            tell("max_length", format!("has {length} characters, at most {limit} are declared"));
        }
    }
}

/// `min`, `max` and `allowed` of an exact type.
fn exact_rules<N: Copy + Into<i128>>(column: &Column) -> impl Fn(N, &[u8]) -> Result<(), Violation> + '_ {
    let rules = &column.rules;
    let (min, max) = (rules.min.as_ref(), rules.max.as_ref());
    let allowed = rules.allowed_exact.as_deref();
    let idle = min.is_none() && max.is_none() && allowed.is_none();
    move |value, written| {
        if idle {
            return Ok(());
        }
        let value: i128 = value.into();
        if let Some(bound) = min.filter(|bound| value < bound.value) {
            return Err(("min", format!("'{}' is less than {}", text::shown(written), bound.declared)));
        }
        if let Some(bound) = max.filter(|bound| value > bound.value) {
            return Err(("max", format!("'{}' is more than {}", text::shown(written), bound.declared)));
        }
        if allowed.is_some_and(|allowed| !allowed.contains(&value)) {
            return Err(("allowed", format!("'{}' is not one of the allowed values", text::shown(written))));
        }
        Ok(())
    }
}

fn double_rules(column: &Column) -> impl Fn(f64, &[u8]) -> Result<(), Violation> + '_ {
    let (min, max) = (column.rules.min_double, column.rules.max_double);
    move |value, written| {
        if let Some(bound) = min.filter(|bound| value < *bound) {
            return Err(("min", format!("'{}' is less than {bound}", text::shown(written))));
        }
        if let Some(bound) = max.filter(|bound| value > *bound) {
            return Err(("max", format!("'{}' is more than {bound}", text::shown(written))));
        }
        Ok(())
    }
}

#[cold]
fn not_a(what: &str, value: &[u8]) -> Violation {
    ("type", format!("'{}' is not {what}", text::shown(value)))
}

#[cold]
fn wrong_kind(source: &Source<'_>, kind: Kind, value: &[u8]) -> Violation {
    let found = match kind {
        Kind::Null => "null",
        Kind::Text => "a text",
        Kind::Number => "a number",
        Kind::Literal => "a boolean",
        Kind::Nested => "a nested value",
    };
    ("type", format!("{} is {found}, not {}", text::shown(value), source.column.declared_type))
}

impl Source<'_> {
    #[inline]
    fn check_required(&self, row: usize, broken: &mut Vec<Broken>) {
        if self.column.rules.required {
            broken.push(self.broken(row, ("required", "has no value".to_owned())));
        }
    }

    #[cold]
    fn broken(&self, row: usize, (rule, what): Violation) -> Broken {
        let message = format!("column {}: {what}", self.column.name);
        Broken { row, rule, column: Some(self.index), message }
    }
}
