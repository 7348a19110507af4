//! `mod(a, b)`: the engine has only `a % b`, which is the same.

use arrow::datatypes::DataType;
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The function; the optimizer makes the operator of it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Modulo {
    signature: Signature,
}

impl Modulo {
    pub(super) fn udf() -> ScalarUDF {
        ScalarUDF::from(Self { signature: Signature::user_defined(Volatility::Immutable) })
    }
}

fn coerced(types: &[DataType]) -> Result<(DataType, DataType, DataType)> {
    let [left, right] = types else {
        return plan_err!("mod takes two numbers, not {} arguments", types.len());
    };
    let coercer = BinaryTypeCoercer::new(left, &Operator::Modulo, right);
    let (left, right) = coercer.get_input_types()?;
    Ok((left, right, coercer.get_result_type()?))
}

impl ScalarUDFImpl for Modulo {
    fn name(&self) -> &str {
        "mod"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (left, right, _) = coerced(types)?;
        Ok(vec![left, right])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(coerced(types)?.2)
    }

    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        match <[Expr; 2]>::try_from(args) {
            Ok([left, right]) => Ok(ExprSimplifyResult::Simplified(Expr::BinaryExpr(BinaryExpr::new(
                Box::new(left),
                Operator::Modulo,
                Box::new(right),
            )))),
            Err(args) => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("mod was not rewritten")
    }
}
