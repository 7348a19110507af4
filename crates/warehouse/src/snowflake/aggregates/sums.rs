//! SUM, AVG and COUNT_IF. Sources: Snowflake's pages of these names. Exact numbers are added exactly: a sum that leaves
//! its type is an error, never a wrap, and an average has six more digits (12 at most, unless its numbers have more).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};

use super::super::cast::{Target, convert, to_boolean};
use super::super::numbers::{divide, quotient_digits};
use super::super::types::{DIGITS_MAX, digits, is_float, is_integer, is_text, is_variant, name, user, user_hint};
use super::collect::{Collector, Group, udaf};

pub(super) fn functions() -> Vec<(&'static str, Arc<AggregateUDF>)> {
    [("sum", Kind::Sum), ("avg", Kind::Avg), ("count_if", Kind::CountIf)]
        .into_iter()
        .map(|(name, kind)| {
            let signature = Signature::user_defined(Volatility::Immutable);
            (name, Arc::new(AggregateUDF::new_from_impl(Sums { kind, signature })))
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Sum,
    Avg,
    CountIf,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Sums {
    kind: Kind,
    signature: Signature,
}

/// The type that values are added in.
fn adds(kind: Kind, from: &DataType) -> Result<DataType> {
    if kind == Kind::CountIf {
        return Ok(DataType::Decimal128(DIGITS_MAX, 0));
    }
    if let Some((_, scale)) = digits(from) {
        return Ok(DataType::Decimal128(DIGITS_MAX, scale));
    }
    if is_float(from) || is_text(from) || is_variant(from) || *from == DataType::Null {
        return Ok(DataType::Float64);
    }
    Err(user_hint(format!("there is no sum of {}", name(from)), "sum and avg take numbers; count_if takes conditions"))
}

fn returns(kind: Kind, from: &DataType) -> Result<DataType> {
    Ok(match (kind, adds(kind, from)?) {
        (Kind::CountIf, _) => DataType::Int64,
        (Kind::Sum, _) if is_integer(from) => DataType::Int64,
        (Kind::Avg, DataType::Decimal128(precision, scale)) => {
            let (_, scale) = quotient_digits((precision, scale), (19, 0));
            DataType::Decimal128(DIGITS_MAX, scale)
        }
        (_, sum) => sum,
    })
}

/// Values of a batch in the type that they are added in.
fn prepared(kind: Kind, array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if kind == Kind::CountIf {
        let conditions = to_boolean(array, true)?;
        let ones: Decimal128Array = conditions.iter().map(|value| Some(i128::from(value == Some(true)))).collect();
        return Ok(Arc::new(ones.with_precision_and_scale(DIGITS_MAX, 0)?));
    }
    match to {
        DataType::Decimal128(precision, scale) => convert(array, Target::Number(*precision, *scale), true),
        _ => convert(array, Target::Float, true),
    }
}

/// A sum of either type; exact ones are checked.
#[derive(Debug, Clone, Copy)]
struct Total {
    exact: i128,
    float: f64,
    count: i64,
}

impl Total {
    const ZERO: Self = Self { exact: 0, float: 0.0, count: 0 };

    fn add(&mut self, exact: i128) -> Result<()> {
        self.exact = self.exact.checked_add(exact).ok_or_else(|| user("sum: the total is too large"))?;
        self.count += 1;
        Ok(())
    }
}

/// The results of totals.
fn results(kind: Kind, added: &DataType, to: &DataType, totals: &[Total]) -> Result<ArrayRef> {
    let large = |total: &Total| user(format!("the total {} does not fit its type", total.exact));
    let some = |total: &Total| kind == Kind::CountIf || total.count > 0;
    Ok(match (added, to) {
        (DataType::Decimal128(..), DataType::Int64) => Arc::new(
            totals
                .iter()
                .map(|total| match some(total) {
                    true => i64::try_from(total.exact).map(Some).map_err(|_| {
                        user_hint(
                            format!("the total {} does not fit an integer of 64 bits", total.exact),
                            "cast the column to number(38,0) before adding it up",
                        )
                    }),
                    false => Ok(None),
                })
                .collect::<Result<Int64Array>>()?,
        ),
        (DataType::Decimal128(_, from), DataType::Decimal128(precision, scale)) => {
            let limit = 10i128.pow(38);
            let values = totals
                .iter()
                .map(|total| {
                    if !some(total) {
                        return Ok(None);
                    }
                    let value = if kind == Kind::Avg {
                        divide(total.exact, i32::from(*from), i128::from(total.count), 0, i32::from(*scale))
                    } else {
                        Some(total.exact)
                    };
                    value.filter(|value| value.abs() < limit).map(Some).ok_or_else(|| large(total))
                })
                .collect::<Result<Decimal128Array>>()?;
            Arc::new(values.with_precision_and_scale(*precision, *scale)?)
        }
        _ => Arc::new(
            totals
                .iter()
                .map(|total| {
                    let value = if kind == Kind::Avg { total.float / total.count as f64 } else { total.float };
                    some(total).then_some(value)
                })
                .collect::<Float64Array>(),
        ),
    })
}

impl AggregateUDFImpl for Sums {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Sum => "sum",
            Kind::Avg => "avg",
            Kind::CountIf => "count_if",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        if arg_types.len() != 1 {
            return Err(user(format!("{} takes one argument, not {}", self.name(), arg_types.len())));
        }
        adds(self.kind, &arg_types[0])?;
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [from] => returns(self.kind, from),
            _ => Err(user(format!("{} takes one argument", self.name()))),
        }
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        match self.kind {
            Kind::CountIf => Ok(ScalarValue::Int64(Some(0))),
            _ => ScalarValue::try_from(data_type),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if let Some(distinct) = distinct(self.kind).filter(|_| args.is_distinct) {
            return distinct.state_fields(args);
        }
        let added = adds(self.kind, args.input_fields[0].data_type())?;
        Ok(vec![
            Arc::new(Field::new(format!("{}[sum]", args.name), added, true)),
            Arc::new(Field::new(format!("{}[count]", args.name), DataType::Int64, true)),
        ])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if let Some(distinct) = distinct(self.kind).filter(|_| args.is_distinct) {
            return distinct.accumulator(args);
        }
        Ok(Box::new(One {
            kind: self.kind,
            added: adds(self.kind, args.expr_fields[0].data_type())?,
            to: args.return_field.data_type().clone(),
            total: Total::ZERO,
        }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Many {
            kind: self.kind,
            added: adds(self.kind, args.expr_fields[0].data_type())?,
            to: args.return_field.data_type().clone(),
            totals: Vec::new(),
        }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// SUM and AVG of distinct values gather them.
fn distinct(kind: Kind) -> Option<Arc<AggregateUDF>> {
    static SUM: Collector = Collector {
        name: "sum",
        least: 1,
        most: 1,
        element: |types| adds(Kind::Sum, &types[0]),
        prepare: |arguments, to| prepared(Kind::Sum, &arguments[0], to),
        returns: |types| returns(Kind::Sum, &types[0]),
        finish: |group| gathered(Kind::Sum, group),
        distinct: true,
        within_group: false,
    };
    static AVG: Collector = Collector {
        name: "avg",
        element: |types| adds(Kind::Avg, &types[0]),
        prepare: |arguments, to| prepared(Kind::Avg, &arguments[0], to),
        returns: |types| returns(Kind::Avg, &types[0]),
        finish: |group| gathered(Kind::Avg, group),
        ..SUM
    };
    match kind {
        Kind::Sum => Some(udaf(&SUM)),
        Kind::Avg => Some(udaf(&AVG)),
        Kind::CountIf => None,
    }
}

fn gathered(kind: Kind, group: &Group<'_>) -> Result<ScalarValue> {
    let mut total = Total::ZERO;
    add_all(&group.values, &mut total, 1)?;
    let result = results(kind, group.values.data_type(), group.return_type, &[total])?;
    ScalarValue::try_from_array(&result, 0)
}

/// Adds (or with -1 takes away) a column's values.
fn add_all(values: &ArrayRef, total: &mut Total, sign: i64) -> Result<()> {
    if let Some(exact) = values.as_primitive_opt::<Decimal128Type>() {
        for value in exact.iter().flatten() {
            total.add(value * i128::from(sign))?;
        }
    } else {
        for value in values.as_primitive::<Float64Type>().iter().flatten() {
            total.float += value * sign as f64;
            total.count += 1;
        }
    }
    if sign < 0 {
        total.count -= 2 * (values.len() - values.null_count()) as i64;
    }
    Ok(())
}

#[derive(Debug)]
struct One {
    kind: Kind,
    added: DataType,
    to: DataType,
    total: Total,
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        add_all(&prepared(self.kind, &values[0], &self.added)?, &mut self.total, 1)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        add_all(&prepared(self.kind, &values[0], &self.added)?, &mut self.total, -1)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&results(self.kind, &self.added, &self.to, &[self.total])?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let sum = match self.added {
            DataType::Decimal128(precision, scale) => ScalarValue::Decimal128(Some(self.total.exact), precision, scale),
            _ => ScalarValue::Float64(Some(self.total.float)),
        };
        Ok(vec![sum, ScalarValue::Int64(Some(self.total.count))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let count = self.total.count;
        add_all(&states[0], &mut self.total, 1)?;
        let counts = states[1].as_primitive::<Int64Type>();
        self.total.count = count + counts.iter().flatten().sum::<i64>();
        Ok(())
    }
}

struct Many {
    kind: Kind,
    added: DataType,
    to: DataType,
    totals: Vec<Total>,
}

impl Many {
    fn states(&self, totals: &[Total]) -> Result<Vec<ArrayRef>> {
        let sums: ArrayRef = match self.added {
            DataType::Decimal128(precision, scale) => Arc::new(
                Decimal128Array::from_iter_values(totals.iter().map(|total| total.exact))
                    .with_precision_and_scale(precision, scale)?,
            ),
            _ => Arc::new(Float64Array::from_iter_values(totals.iter().map(|total| total.float))),
        };
        Ok(vec![sums, Arc::new(Int64Array::from_iter_values(totals.iter().map(|total| total.count)))])
    }
}

impl GroupsAccumulator for Many {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.totals.resize(total_num_groups, Total::ZERO);
        let values = prepared(self.kind, &values[0], &self.added)?;
        let wanted =
            |row: usize| values.is_valid(row) && filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        if let Some(exact) = values.as_primitive_opt::<Decimal128Type>() {
            for (row, group) in groups.iter().enumerate() {
                if wanted(row) {
                    self.totals[*group].add(exact.value(row))?;
                }
            }
        } else {
            let floats = values.as_primitive::<Float64Type>();
            for (row, group) in groups.iter().enumerate() {
                if wanted(row) {
                    self.totals[*group].float += floats.value(row);
                    self.totals[*group].count += 1;
                }
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let totals = emit_to.take_needed(&mut self.totals);
        results(self.kind, &self.added, &self.to, &totals)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let totals = emit_to.take_needed(&mut self.totals);
        self.states(&totals)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total_num_groups: usize) -> Result<()> {
        self.totals.resize(total_num_groups, Total::ZERO);
        let counts = values[1].as_primitive::<Int64Type>();
        for (row, group) in groups.iter().enumerate() {
            let total = &mut self.totals[*group];
            let count = total.count + if counts.is_valid(row) { counts.value(row) } else { 0 };
            if values[0].is_valid(row) {
                match values[0].as_primitive_opt::<Decimal128Type>() {
                    Some(exact) => total.add(exact.value(row))?,
                    None => total.float += values[0].as_primitive::<Float64Type>().value(row),
                }
            }
            total.count = count;
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = prepared(self.kind, &values[0], &self.added)?;
        let wanted =
            |row: usize| values.is_valid(row) && filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        let mut totals = vec![Total::ZERO; values.len()];
        for (row, total) in totals.iter_mut().enumerate() {
            if wanted(row) {
                match values.as_primitive_opt::<Decimal128Type>() {
                    Some(exact) => total.exact = exact.value(row),
                    None => total.float = values.as_primitive::<Float64Type>().value(row),
                }
                total.count = 1;
            }
        }
        self.states(&totals)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.totals.capacity() * size_of::<Total>()
    }
}
