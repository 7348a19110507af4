//! PostgreSQL's operators on JSON: `->`, `->>`, `#>`, `#>>`.
//!
//! JSON is text here. A part is told in canonical form (no space, keys sorted, numbers with exactly their digits); of a
//! null or of something that is not there nothing is told. Text that is no JSON is an error.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use sqlparser::ast::BinaryOperator;

use crate::snowflake::json;

/// Makes calls of [`Part`] of the operators.
#[derive(Debug)]
pub(crate) struct JsonOperators;

impl ExprPlanner for JsonOperators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        static PARTS: LazyLock<[ScalarUDF; 4]> = LazyLock::new(|| {
            let part = |name, by_path, as_text| {
                let signature = Signature::user_defined(Volatility::Immutable);
                ScalarUDF::from(Part { name, by_path, as_text, signature })
            };
            [
                part("json_get", false, false),
                part("json_get_text", false, true),
                part("json_path", true, false),
                part("json_path_text", true, true),
            ]
        });
        let part = match expr.op {
            BinaryOperator::Arrow => &PARTS[0],
            BinaryOperator::LongArrow => &PARTS[1],
            BinaryOperator::HashArrow => &PARTS[2],
            BinaryOperator::HashLongArrow => &PARTS[3],
            _ => return Ok(PlannerResult::Original(expr)),
        };
        Ok(PlannerResult::Planned(part.call(vec![expr.left, expr.right])))
    }
}

/// A part of a JSON text.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Part {
    name: &'static str,
    /// `{a,b,0}` instead of one key or position.
    by_path: bool,
    /// What the part says, instead of JSON.
    as_text: bool,
    signature: Signature,
}

impl ScalarUDFImpl for Part {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [_, key] if key.is_integer() && !self.by_path => Ok(vec![DataType::Utf8, DataType::Int64]),
            [_, _] => Ok(vec![DataType::Utf8, DataType::Utf8]),
            _ => plan_err!("{} takes a JSON text and a key", self.name),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [texts, keys] = args.args.as_slice() else {
            return plan_err!("{} takes a JSON text and a key", self.name);
        };
        let texts = cast(&texts.to_array(args.number_rows)?, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        let keys = keys.to_array(args.number_rows)?;
        let keys = Keys::of(&keys)?;
        let mut canonical = String::new();
        let parts = (0..texts.len()).map(|row| {
            if texts.is_null(row) {
                return Ok(None);
            }
            canonical.clear();
            let is_there = json::parse(texts.value(row), &mut canonical, true)
                .map_err(|what| DataFusionError::Execution(format!("a text is no JSON: {what}")))?;
            let found = if is_there { keys.find(row, self.by_path, &canonical) } else { None };
            Ok(match found {
                Some(found) if self.as_text => json::text_of(found).map(|text| text.into_owned()),
                found => found.map(str::to_owned),
            })
        });
        Ok(ColumnarValue::Array(Arc::new(parts.collect::<Result<StringArray>>()?)))
    }
}

/// What is asked for, one a row.
enum Keys {
    Texts(StringArray),
    Positions(Int64Array),
}

impl Keys {
    fn of(array: &dyn Array) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Int64 => Self::Positions(array.as_primitive::<Int64Type>().clone()),
            _ => Self::Texts(cast(array, &DataType::Utf8)?.as_string::<i32>().clone()),
        })
    }

    fn find<'a>(&self, row: usize, by_path: bool, json: &'a str) -> Option<&'a str> {
        match self {
            Self::Positions(positions) => positions.is_valid(row).then(|| at(json, positions.value(row)))?,
            Self::Texts(keys) if keys.is_null(row) => None,
            Self::Texts(keys) if by_path => {
                let inside = keys.value(row).trim().trim_start_matches('{').trim_end_matches('}');
                let steps = inside.split(',').map(|step| step.trim().trim_matches('"')).filter(|step| !step.is_empty());
                steps.into_iter().try_fold(json, |json, key| step(json, key))
            }
            Self::Texts(keys) => member(json, keys.value(row)),
        }
    }
}

/// One step of a path: a key, or a position of an array.
fn step<'a>(json: &'a str, step: &str) -> Option<&'a str> {
    match step.parse() {
        Ok(position) if json.starts_with('[') => at(json, position),
        _ => member(json, step),
    }
}

fn member<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let mut quoted = String::new();
    json::string(key, &mut quoted);
    json::member(json, &quoted)
}

/// The element at a position, from the end when it is negative.
fn at(json: &str, position: i64) -> Option<&str> {
    let position = match usize::try_from(position) {
        Ok(position) => position,
        Err(_) => json::elements(json).count().checked_sub(usize::try_from(position.unsigned_abs()).ok()?)?,
    };
    json::element(json, position)
}
