//! Scalar functions as data: a name, how many arguments, the type of the result, and a kernel over whole batches.
//!
//! Arguments reach a kernel as they are; it reads them through [`Call`], which converts by Snowflake's rules (never by
//! the engine's casts, whose text of numbers and instants differs). When every argument is a constant, the kernel runs
//! on one row and its result is a constant.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringArray, StringViewArray};
use arrow::array::{BinaryArray, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::cast;
use super::types::{self, user, user_hint};

/// As many arguments as one likes.
pub(super) const MANY: usize = usize::MAX;

type Returns = fn(&Types<'_>) -> Result<DataType>;
type Kernel = fn(&Call<'_>) -> Result<ArrayRef>;
type Rewrite = fn(&str, Vec<Expr>, &SimplifyContext) -> Result<Expr>;
type Shortcut = fn(&[Expr], &SimplifyContext) -> Result<Option<Expr>>;

/// What a function is.
pub(super) struct Function {
    names: &'static [&'static str],
    least: usize,
    most: usize,
    returns: Returns,
    kernel: Kernel,
    rewrite: Option<Rewrite>,
    shortcut: Option<Shortcut>,
    volatility: Volatility,
}

/// A function of `least` to `most` arguments; all `names` mean it.
pub(super) const fn function(
    names: &'static [&'static str],
    least: usize,
    most: usize,
    returns: Returns,
    kernel: Kernel,
) -> Function {
    Function { names, least, most, returns, kernel, rewrite: None, shortcut: None, volatility: Volatility::Immutable }
}

impl Function {
    /// A function that gives another value for each row.
    pub(super) const fn volatile(mut self) -> Self {
        self.volatility = Volatility::Volatile;
        self
    }

    /// A function that becomes another expression before anything runs; arguments it may not need are not computed.
    pub(super) const fn rewritten(mut self, rewrite: Rewrite) -> Self {
        self.rewrite = Some(rewrite);
        self
    }

    /// A function that for some arguments is an expression that the engine knows better.
    pub(super) const fn shortened(mut self, shortcut: Shortcut) -> Self {
        self.shortcut = Some(shortcut);
        self
    }

    /// Same value during one query.
    pub(super) const fn stable(mut self) -> Self {
        self.volatility = Volatility::Stable;
        self
    }

    /// One engine function for each of its names.
    pub(super) fn engine_functions(&'static self) -> impl Iterator<Item = Arc<ScalarUDF>> {
        self.names.iter().map(move |name| {
            let signature = Signature::user_defined(self.volatility);
            Arc::new(ScalarUDF::from(Udf { name, function: self, signature }))
        })
    }
}

/// Result types that need no look at the arguments.
pub(super) fn text(_: &Types<'_>) -> Result<DataType> {
    Ok(DataType::Utf8)
}
/// A whole number.
pub(super) fn int(_: &Types<'_>) -> Result<DataType> {
    Ok(DataType::Int64)
}
/// A float.
pub(super) fn float(_: &Types<'_>) -> Result<DataType> {
    Ok(DataType::Float64)
}
/// A truth value.
pub(super) fn boolean(_: &Types<'_>) -> Result<DataType> {
    Ok(DataType::Boolean)
}
/// A variant.
pub(super) fn variant(_: &Types<'_>) -> Result<DataType> {
    Ok(types::variant())
}
/// A date.
pub(super) fn date(_: &Types<'_>) -> Result<DataType> {
    Ok(DataType::Date32)
}

/// The kernel of a function that is always rewritten.
pub(super) fn never(call: &Call<'_>) -> Result<ArrayRef> {
    Err(datafusion::error::DataFusionError::Internal(format!("{} was not rewritten", call.name)))
}

/// What is known of a call before it runs.
pub(super) struct Types<'a> {
    pub name: &'a str,
    pub types: Vec<&'a DataType>,
    literals: &'a [Option<&'a ScalarValue>],
}

impl Types<'_> {
    /// Type of an argument; `Null` where there is none.
    pub(super) fn of(&self, index: usize) -> &DataType {
        self.types.get(index).copied().unwrap_or(&DataType::Null)
    }

    /// An argument that was written as a constant text.
    pub(super) fn literal_text(&self, index: usize) -> Option<&str> {
        self.literals.get(index).copied().flatten()?.try_as_str().flatten()
    }

    /// An argument that was written as a constant whole number.
    pub(super) fn literal_int(&self, index: usize) -> Option<i64> {
        let value = self.literals.get(index).copied().flatten()?;
        match value {
            ScalarValue::Decimal128(Some(value), _, 0) => i64::try_from(*value).ok(),
            other => match other.cast_to(&DataType::Int64) {
                Ok(ScalarValue::Int64(value)) => value,
                _ => None,
            },
        }
    }

    pub(super) fn len(&self) -> usize {
        self.types.len()
    }
}

/// One call of a function over a batch.
pub(super) struct Call<'a> {
    pub name: &'a str,
    pub args: &'a [ColumnarValue],
    /// Rows of the result.
    pub rows: usize,
    pub return_type: &'a DataType,
}

/// A column, or one value that stands for every row.
pub(super) struct Column<A> {
    pub array: A,
    pub scalar: bool,
}

impl<A> Column<A> {
    /// Where a row's value is.
    #[inline]
    pub(super) fn at(&self, row: usize) -> usize {
        if self.scalar { 0 } else { row }
    }
}

impl Column<Int64Array> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<i64> {
        let at = self.at(row);
        self.array.is_valid(at).then(|| self.array.value(at))
    }
}

impl Column<Float64Array> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<f64> {
        let at = self.at(row);
        self.array.is_valid(at).then(|| self.array.value(at))
    }
}

impl Column<BooleanArray> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<bool> {
        let at = self.at(row);
        self.array.is_valid(at).then(|| self.array.value(at))
    }
}

/// Texts of either layout.
pub(super) enum Texts {
    Plain(StringArray),
    View(StringViewArray),
}

impl Texts {
    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<&str> {
        match self {
            Self::Plain(array) => array.is_valid(at).then(|| array.value(at)),
            Self::View(array) => array.is_valid(at).then(|| array.value(at)),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Plain(array) => array.len(),
            Self::View(array) => array.len(),
        }
    }

    pub(super) fn into_array(self) -> ArrayRef {
        match self {
            Self::Plain(array) => Arc::new(array),
            Self::View(array) => Arc::new(array),
        }
    }

    /// The texts of an array that is text.
    pub(super) fn of(array: &ArrayRef) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => Some(Self::Plain(array.as_string::<i32>().clone())),
            DataType::Utf8View => Some(Self::View(array.as_string_view().clone())),
            _ => None,
        }
    }
}

impl Column<Texts> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        self.array.get(self.at(row))
    }

    /// The value, when there is one for all rows.
    pub(super) fn constant(&self) -> Option<&str> {
        if self.scalar { self.array.get(0) } else { None }
    }
}

impl Call<'_> {
    pub(super) fn len(&self) -> usize {
        self.args.len()
    }

    /// Type of an argument; `Null` where there is none.
    pub(super) fn type_of(&self, index: usize) -> DataType {
        self.args.get(index).map_or(DataType::Null, ColumnarValue::data_type)
    }

    /// An argument as it is.
    pub(super) fn column(&self, index: usize) -> Result<Column<ArrayRef>> {
        let (array, scalar) = match self.args.get(index) {
            Some(ColumnarValue::Array(array)) => (array.clone(), false),
            Some(ColumnarValue::Scalar(value)) => (value.to_array_of_size(1)?, true),
            None => return Err(user(format!("{}: argument {} is missing", self.name, index + 1))),
        };
        let array = match array.data_type() {
            DataType::Dictionary(_, values) => arrow::compute::cast(&array, values)?,
            DataType::LargeUtf8 => arrow::compute::cast(&array, &DataType::Utf8)?,
            _ => array,
        };
        Ok(Column { array, scalar })
    }

    /// An argument as text, by the rules of TO_VARCHAR. Binaries are refused: functions of both would count their
    /// hexadecimal digits for bytes.
    pub(super) fn text(&self, index: usize) -> Result<Column<Texts>> {
        let column = self.column(index)?;
        if matches!(column.array.data_type(), DataType::Binary | DataType::BinaryView | DataType::LargeBinary) {
            return Err(user_hint(
                format!("{}: BINARY values are not supported", self.name),
                "to_varchar(x, 'hex') or to_varchar(x, 'utf-8') makes a text of them",
            ));
        }
        Ok(Column { array: cast::to_text(&column.array)?, scalar: column.scalar })
    }

    /// An argument as text, `default` where it is left out.
    pub(super) fn text_or(&self, index: usize, default: &str) -> Result<Column<Texts>> {
        if index < self.len() {
            return self.text(index);
        }
        Ok(Column { array: Texts::Plain(StringArray::from(vec![default])), scalar: true })
    }

    /// An argument as whole numbers, rounded half away from zero.
    pub(super) fn int(&self, index: usize) -> Result<Column<Int64Array>> {
        let column = self.column(index)?;
        Ok(Column { array: cast::to_int(&column.array)?, scalar: column.scalar })
    }

    /// An argument as whole numbers, `default` where it is left out.
    pub(super) fn int_or(&self, index: usize, default: i64) -> Result<Column<Int64Array>> {
        if index < self.len() {
            return self.int(index);
        }
        Ok(Column { array: Int64Array::from(vec![default]), scalar: true })
    }

    /// An argument as floats.
    pub(super) fn float(&self, index: usize) -> Result<Column<Float64Array>> {
        let column = self.column(index)?;
        Ok(Column { array: cast::to_float(&column.array, true)?, scalar: column.scalar })
    }

    /// An argument as truth values.
    pub(super) fn bool(&self, index: usize) -> Result<Column<BooleanArray>> {
        let column = self.column(index)?;
        Ok(Column { array: cast::to_boolean(&column.array, true)?, scalar: column.scalar })
    }

    /// An argument as variants' JSON texts.
    pub(super) fn json(&self, index: usize) -> Result<Column<Texts>> {
        let column = self.column(index)?;
        Ok(Column { array: cast::to_json(&column.array)?, scalar: column.scalar })
    }

    /// An argument as bytes: binary as it is, text as UTF-8.
    pub(super) fn bytes(&self, index: usize) -> Result<Column<BinaryArray>> {
        let column = self.column(index)?;
        let array = match column.array.data_type() {
            DataType::Binary | DataType::BinaryView | DataType::LargeBinary => {
                arrow::compute::cast(&column.array, &DataType::Binary)?
            }
            _ => arrow::compute::cast(&cast::to_text(&column.array)?.into_array(), &DataType::Binary)?,
        };
        Ok(Column { array: array.as_binary::<i32>().clone(), scalar: column.scalar })
    }

    /// An argument with one value for each row.
    pub(super) fn full(&self, index: usize) -> Result<ArrayRef> {
        let column = self.column(index)?;
        if column.scalar && self.rows != 1 {
            return ScalarValue::try_from_array(&column.array, 0)?.to_array_of_size(self.rows);
        }
        Ok(column.array)
    }

    /// An argument that must be one constant text.
    pub(super) fn constant_text(&self, index: usize, what: &str) -> Result<Option<String>> {
        if index >= self.len() {
            return Ok(None);
        }
        let column = self.text(index)?;
        if !column.scalar {
            // No rows, no value that anything could depend on.
            if column.array.len() == 0 {
                return Ok(None);
            }
            // A column of one and the same value is as good.
            let first = column.get(0).map(str::to_owned);
            if (1..column.array.len()).all(|row| column.array.get(row) == first.as_deref()) {
                return Ok(first);
            }
            return Err(user(format!("{}: the {what} must be a constant", self.name)));
        }
        Ok(column.get(0).map(str::to_owned))
    }

    /// Texts, each written by `write` to the end of a buffer; `false` is a null.
    pub(super) fn texts(&self, mut write: impl FnMut(usize, &mut String) -> Result<bool>) -> Result<ArrayRef> {
        texts(self.rows, &mut write)
    }

    /// Whole numbers.
    pub(super) fn ints(&self, mut value: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(&mut value).collect::<Result<Int64Array>>()?))
    }

    /// Floats.
    pub(super) fn floats(&self, mut value: impl FnMut(usize) -> Result<Option<f64>>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(&mut value).collect::<Result<Float64Array>>()?))
    }

    /// Truth values.
    pub(super) fn bools(&self, mut value: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(&mut value).collect::<Result<BooleanArray>>()?))
    }

    /// Variants, each written as canonical JSON; `false` is an SQL null.
    pub(super) fn variants(&self, mut write: impl FnMut(usize, &mut String) -> Result<bool>) -> Result<ArrayRef> {
        Ok(cast::wrap_json(texts(self.rows, &mut write)?))
    }

    /// A user's mistake in this call.
    pub(super) fn error(&self, message: impl std::fmt::Display) -> datafusion::error::DataFusionError {
        user(format!("{}: {message}", self.name))
    }
}

fn texts(rows: usize, write: &mut dyn FnMut(usize, &mut String) -> Result<bool>) -> Result<ArrayRef> {
    let mut builder = StringBuilder::with_capacity(rows, rows * 16);
    let mut buffer = String::new();
    for row in 0..rows {
        buffer.clear();
        if write(row, &mut buffer)? {
            builder.append_value(&buffer);
        } else {
            builder.append_null();
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// A [`Function`] under one of its names.
struct Udf {
    name: &'static str,
    function: &'static Function,
    signature: Signature,
}

impl std::fmt::Debug for Udf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "snowflake {}", self.name)
    }
}

impl PartialEq for Udf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Udf {}

impl Hash for Udf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Udf {
    fn check(&self, found: usize) -> Result<()> {
        let Function { least, most, .. } = *self.function;
        if (least..=most).contains(&found) {
            return Ok(());
        }
        let wanted = match (least, most) {
            (least, MANY) => format!("{least} or more"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        Err(user(format!("{} takes {wanted} arguments, not {found}", self.name)))
    }
}

impl ScalarUDFImpl for Udf {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.check(arg_types.len())?;
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Err(datafusion::error::DataFusionError::Internal("return_field_from_args is what to ask".into()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.check(args.arg_fields.len())?;
        let types = Types {
            name: self.name,
            types: args.arg_fields.iter().map(|field| field.data_type()).collect(),
            literals: args.scalar_arguments,
        };
        Ok(Arc::new(Field::new(self.name, (self.function.returns)(&types)?, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = self.signature.volatility != Volatility::Volatile
            && args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let call = Call {
            name: self.name,
            args: &args.args,
            rows: if constant { 1 } else { args.number_rows },
            return_type: args.return_field.data_type(),
        };
        let array = (self.function.kernel)(&call)?;
        debug_assert_eq!(array.data_type(), call.return_type, "{}", self.name);
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        if let Some(rewrite) = self.function.rewrite {
            return Ok(ExprSimplifyResult::Simplified(rewrite(self.name, args, info)?));
        }
        if let Some(shortcut) = self.function.shortcut
            && let Some(short) = shortcut(&args, info)?
        {
            return Ok(ExprSimplifyResult::Simplified(short));
        }
        Ok(ExprSimplifyResult::Original(args))
    }

    fn short_circuits(&self) -> bool {
        self.function.rewrite.is_some()
    }
}
