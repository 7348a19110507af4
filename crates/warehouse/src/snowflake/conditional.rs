//! Conditional functions. Sources: Snowflake's pages of the same names under "Conditional expression functions".
//!
//! Those that may not need all of their arguments (`iff`, `coalesce`, `nvl`, `nvl2`, `decode`) become CASE, so that
//! `iff(b = 0, 0, a / b)` never divides by zero.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Case, Expr, lit};

use super::cast::{self, Target};
use super::json;
use super::scalar::{Call, Function, MANY, Types, boolean, function, never};
use super::types::{self, common, common_of, is_decimal, is_float, is_integer, is_variant, user};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["iff"], 3, 3, |types| mixed(types, &[1, 2]), never).rewritten(iff),
    function(&["coalesce"], 2, MANY, all_mixed, never).rewritten(coalesce),
    function(&["nvl", "ifnull"], 2, 2, all_mixed, never).rewritten(coalesce),
    function(&["nvl2"], 3, 3, |types| mixed(types, &[1, 2]), never).rewritten(nvl2),
    function(&["decode"], 3, MANY, decode_type, never).rewritten(decode),
    function(&["zeroifnull"], 1, 1, number_type, zero_if_null),
    function(&["nullifzero"], 1, 1, number_type, null_if_zero),
    function(&["nullif"], 2, 2, |types| Ok(types.of(0).clone()), null_if),
    function(&["equal_null"], 2, 2, boolean, equal_null),
    function(&["greatest", "greatest_ignore_nulls"], 1, MANY, |types| common(&types.types, types.name), extreme),
    function(&["least", "least_ignore_nulls"], 1, MANY, |types| common(&types.types, types.name), extreme),
    function(&["booland"], 2, 2, boolean, |call| {
        logic(call, |a, b| match (a, b) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        })
    }),
    function(&["boolor"], 2, 2, boolean, |call| {
        logic(call, |a, b| match (a, b) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        })
    }),
    function(&["boolxor"], 2, 2, boolean, |call| logic(call, |a, b| Some(a? != b?))),
    function(&["boolnot"], 1, 1, boolean, |call| {
        let value = call.bool(0)?;
        call.bools(|row| Ok(value.get(row).map(|value| !value)))
    }),
    function(&["sf_variant_compare"], 2, 2, super::scalar::int, variant_compare),
    // Its argument, of which the engine must not think that it is never null.
    function(&["sf_maybe"], 1, 1, |types| Ok(types.of(0).clone()), |call| call.full(0)),
];

/// The type of some of the arguments together.
fn mixed(types: &Types<'_>, which: &[usize]) -> Result<DataType> {
    let values: Vec<_> = which.iter().map(|index| (types.of(*index), types.literal_text(*index))).collect();
    common_of(&values, types.name)
}

fn all_mixed(types: &Types<'_>) -> Result<DataType> {
    mixed(types, &(0..types.len()).collect::<Vec<_>>())
}

/// Which arguments a call may give as they are, for the functions that give one of their arguments.
pub(crate) fn results_of(name: &str, count: usize) -> Vec<usize> {
    match name {
        "iff" | "nvl2" => (1..count).collect(),
        "decode" => decode_results(count).collect(),
        "coalesce" | "nvl" | "ifnull" | "greatest" | "greatest_ignore_nulls" | "least" | "least_ignore_nulls" => {
            (0..count).collect()
        }
        _ => Vec::new(),
    }
}

/// Results of DECODE: every second argument from the third, and the default.
fn decode_results(count: usize) -> impl Iterator<Item = usize> {
    (2..count).step_by(2).chain((count.is_multiple_of(2)).then(|| count - 1))
}

fn decode_type(types: &Types<'_>) -> Result<DataType> {
    mixed(types, &decode_results(types.len()).collect::<Vec<_>>())
}

/// The type of several expressions together. Constant texts beside numbers are numbers by now.
fn type_of(name: &str, args: &[&Expr], info: &SimplifyContext) -> Result<DataType> {
    let types = args.iter().map(|arg| info.get_data_type(arg)).collect::<Result<Vec<_>>>()?;
    common(&types.iter().collect::<Vec<_>>(), name)
}

/// An expression in a type, by Snowflake's rules.
fn typed(expr: Expr, to: &DataType, info: &SimplifyContext) -> Result<Expr> {
    let from = info.get_data_type(&expr)?;
    if from == *to {
        return Ok(expr);
    }
    if from == DataType::Null {
        return Ok(Expr::Literal(ScalarValue::try_from(to)?, None));
    }
    if types::is_text(&from) && types::is_text(to) {
        return Ok(datafusion::logical_expr::cast(expr, to.clone()));
    }
    let target = match to {
        DataType::Int64 => "int".to_owned(),
        DataType::Decimal128(precision, scale) => format!("number({precision},{scale})"),
        DataType::Float64 => "float".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Time64(_) => "time".to_owned(),
        DataType::Timestamp(_, None) => "timestamp_ntz".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp_tz".to_owned(),
        other if is_variant(other) => "variant".to_owned(),
        other => return Ok(datafusion::logical_expr::cast(expr, other.clone())),
    };
    call("sf_cast", vec![expr, lit(target)])
}

/// A call of one of our functions.
fn call(name: &str, args: Vec<Expr>) -> Result<Expr> {
    let function = super::functions().scalar.get(name).ok_or_else(|| user(format!("there is no function {name}")))?;
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(function.clone(), args)))
}

fn case(branches: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    let when_then_expr = branches.into_iter().map(|(when, then)| (Box::new(when), Box::new(then))).collect();
    Expr::Case(Case { expr: None, when_then_expr, else_expr: otherwise.map(Box::new) })
}

fn take<const N: usize>(name: &str, args: Vec<Expr>) -> Result<[Expr; N]> {
    args.try_into().map_err(|_| user(format!("{name} takes {N} arguments")))
}

fn iff(name: &str, args: Vec<Expr>, info: &SimplifyContext) -> Result<Expr> {
    let [condition, yes, no] = take(name, args)?;
    let to = type_of(name, &[&yes, &no], info)?;
    let condition = typed(condition, &DataType::Boolean, info)?;
    Ok(case(vec![(condition, typed(yes, &to, info)?)], Some(typed(no, &to, info)?)))
}

fn coalesce(name: &str, mut args: Vec<Expr>, info: &SimplifyContext) -> Result<Expr> {
    let to = type_of(name, &args.iter().collect::<Vec<_>>(), info)?;
    let last = args.pop().ok_or_else(|| user(format!("{name} takes arguments")))?;
    let branches = args
        .into_iter()
        .map(|arg| Ok((arg.clone().is_not_null(), typed(arg, &to, info)?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(case(branches, Some(typed(last, &to, info)?)))
}

fn nvl2(name: &str, args: Vec<Expr>, info: &SimplifyContext) -> Result<Expr> {
    let [value, some, none] = take(name, args)?;
    let to = type_of(name, &[&some, &none], info)?;
    Ok(case(vec![(value.is_not_null(), typed(some, &to, info)?)], Some(typed(none, &to, info)?)))
}

fn decode(name: &str, args: Vec<Expr>, info: &SimplifyContext) -> Result<Expr> {
    let results: Vec<&Expr> = decode_results(args.len()).filter_map(|index| args.get(index)).collect();
    let to = type_of(name, &results, info)?;
    let mut rest = args.into_iter();
    let subject = rest.next().ok_or_else(|| user(format!("{name} takes arguments")))?;
    let mut branches = Vec::new();
    let mut otherwise = None;
    while let Some(first) = rest.next() {
        match rest.next() {
            Some(result) => {
                let same = call("equal_null", vec![subject.clone(), first])?;
                branches.push((same, typed(result, &to, info)?));
            }
            None => otherwise = Some(typed(first, &to, info)?),
        }
    }
    Ok(case(branches, otherwise))
}

/// ZEROIFNULL and NULLIFZERO keep a number's type; text is read as a number.
fn number_type(types: &Types<'_>) -> Result<DataType> {
    let from = types.of(0);
    Ok(match from {
        other if is_integer(other) || *other == DataType::Null => DataType::Int64,
        other if is_float(other) || is_variant(other) => DataType::Float64,
        other if is_decimal(other) => common(&[other], types.name)?,
        other if types::is_text(other) => DataType::Decimal128(38, 5),
        other => return Err(user(format!("{} takes a number, not {}", types.name, types::name(other)))),
    })
}

fn as_type(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    if *array.data_type() == DataType::Null {
        return Ok(arrow::array::new_null_array(to, array.len()));
    }
    let target = match to {
        DataType::Int64 => Target::Int,
        DataType::Decimal128(precision, scale) => Target::Number(*precision, *scale),
        DataType::Float64 => Target::Float,
        DataType::Utf8 => {
            let texts = cast::convert(array, Target::Varchar(None), true)?;
            return Ok(arrow::compute::cast(&texts, &DataType::Utf8)?);
        }
        DataType::Boolean => Target::Boolean,
        DataType::Date32 => Target::Date,
        DataType::Time64(_) => Target::Time,
        DataType::Timestamp(_, None) => Target::Ntz,
        DataType::Timestamp(_, Some(_)) => Target::Tz,
        other if is_variant(other) => Target::Variant,
        other => return Ok(arrow::compute::cast(array, other)?),
    };
    cast::convert(array, target, true)
}

fn zero_if_null(call: &Call<'_>) -> Result<ArrayRef> {
    let values = as_type(&call.full(0)?, call.return_type)?;
    let zero = as_type(&ScalarValue::Int64(Some(0)).to_array()?, call.return_type)?;
    let zero = arrow::array::Scalar::new(zero);
    Ok(arrow::compute::kernels::zip::zip(&arrow::compute::is_not_null(&values)?, &values, &zero)?)
}

fn null_if_zero(call: &Call<'_>) -> Result<ArrayRef> {
    let values = as_type(&call.full(0)?, call.return_type)?;
    let zero = as_type(&ScalarValue::Int64(Some(0)).to_array()?, call.return_type)?;
    let zero = arrow::array::Scalar::new(zero);
    Ok(arrow::compute::nullif(&values, &arrow::compute::kernels::cmp::eq(&values, &zero)?)?)
}

/// Both arguments in their common type, a row each.
fn pair(call: &Call<'_>) -> Result<(ArrayRef, ArrayRef)> {
    let (left, right) = (call.full(0)?, call.full(1)?);
    let to = common(&[left.data_type(), right.data_type()], call.name)?;
    Ok((as_type(&left, &to)?, as_type(&right, &to)?))
}

/// Compares values of one type; variants by value, not by text.
fn comparator(left: &ArrayRef, right: &ArrayRef) -> Result<Box<dyn Fn(usize, usize) -> Ordering>> {
    if is_variant(left.data_type()) {
        let (left, right) = (cast::to_json(left)?, cast::to_json(right)?);
        return Ok(Box::new(move |a, b| match (left.get(a), right.get(b)) {
            (Some(left), Some(right)) => json::compare(left, right),
            _ => Ordering::Equal,
        }));
    }
    Ok(make_comparator(left.as_ref(), right.as_ref(), SortOptions::default())?)
}

fn null_if(call: &Call<'_>) -> Result<ArrayRef> {
    let original = call.full(0)?;
    let (left, right) = pair(call)?;
    let compare = comparator(&left, &right)?;
    let same: BooleanArray = (0..call.rows)
        .map(|row| Some(left.is_valid(row) && right.is_valid(row) && compare(row, row).is_eq()))
        .collect();
    let result = arrow::compute::nullif(&original, &same)?;
    if result.data_type() == call.return_type {
        Ok(result)
    } else {
        Ok(arrow::compute::cast(&result, call.return_type)?)
    }
}

fn equal_null(call: &Call<'_>) -> Result<ArrayRef> {
    let (left, right) = pair(call)?;
    if *left.data_type() == DataType::Null {
        return call.bools(|_| Ok(Some(true)));
    }
    let compare = comparator(&left, &right)?;
    call.bools(|row| {
        Ok(Some(match (left.is_valid(row), right.is_valid(row)) {
            (true, true) => compare(row, row).is_eq(),
            (left, right) => left == right,
        }))
    })
}

/// GREATEST and LEAST: null when any argument is, unless the name ends in IGNORE_NULLS.
fn extreme(call: &Call<'_>) -> Result<ArrayRef> {
    let wanted = if call.name.starts_with("greatest") { Ordering::Greater } else { Ordering::Less };
    let skips = call.name.ends_with("ignore_nulls");
    let mut best = as_type(&call.full(0)?, call.return_type)?;
    for index in 1..call.len() {
        let next = as_type(&call.full(index)?, call.return_type)?;
        let compare = comparator(&next, &best)?;
        let choose: UInt32Array = (0..call.rows as u32)
            .map(|row| {
                let at = row as usize;
                match (best.is_valid(at), next.is_valid(at)) {
                    (true, true) => Some(if compare(at, at) == wanted { call.rows as u32 + row } else { row }),
                    (true, false) if skips => Some(row),
                    (false, true) if skips => Some(call.rows as u32 + row),
                    _ => None,
                }
            })
            .collect();
        drop(compare);
        let both = arrow::compute::concat(&[best.as_ref(), next.as_ref()])?;
        best = arrow::compute::take(&both, &choose, None)?;
    }
    Ok(best)
}

fn logic(call: &Call<'_>, join: fn(Option<bool>, Option<bool>) -> Option<bool>) -> Result<ArrayRef> {
    let (left, right) = (call.bool(0)?, call.bool(1)?);
    call.bools(|row| Ok(join(left.get(row), right.get(row))))
}

/// -1, 0 or 1 by the order of two variants; null when either is null, a JSON null too.
fn variant_compare(call: &Call<'_>) -> Result<ArrayRef> {
    let (left, right) = (call.json(0)?, call.json(1)?);
    let some = |text: Option<&'_ str>| text.is_some_and(|text| !matches!(text, "null" | "undefined"));
    call.ints(|row| {
        let (left, right) = (left.get(row), right.get(row));
        Ok(match (left, right) {
            (Some(a), Some(b)) if some(left) && some(right) => Some(json::compare(a, b) as i64),
            _ => None,
        })
    })
}
