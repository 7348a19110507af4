//! `coalesce(date, '2099-12-31')`: text beside dates and timestamps is read as one, as comparisons do already.
//!
//! The engine refuses it. Text that is no date fails when the query runs. What comes out may always be null for the
//! engine: it promises otherwise where it does not find it confirmed later.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::functions::core::coalesce;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Coalesce {
    engine: Arc<ScalarUDF>,
}

impl Coalesce {
    pub(super) fn udf() -> ScalarUDF {
        ScalarUDF::from(Self { engine: coalesce() })
    }
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

impl ScalarUDFImpl for Coalesce {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let rest: Vec<DataType> = types.iter().filter(|kind| !is_text(kind)).cloned().collect();
        let has_text = rest.len() < types.len();
        let temporal = |kind: &DataType| matches!(kind, DataType::Null | DataType::Date32 | DataType::Timestamp(..));
        if !has_text || !rest.iter().all(temporal) || rest.iter().all(DataType::is_null) {
            return self.engine.coerce_types(types);
        }
        let common = self.engine.coerce_types(&rest)?;
        let common = common.into_iter().next().unwrap_or(DataType::Utf8);
        Ok(types.iter().map(|_| common.clone()).collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        // What it becomes in the end (`case`) is not always known to give no null, and plans in which a column turns out
        // to be nullable are refused.
        let field = self.engine.return_field_from_args(args)?;
        Ok(Arc::new(field.as_ref().clone().with_nullable(true)))
    }

    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.engine.simplify(args, context)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.engine.invoke_with_args(args)
    }

    fn conditional_arguments<'a>(&self, args: &'a [Expr]) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.engine.conditional_arguments(args)
    }

    fn short_circuits(&self) -> bool {
        self.engine.short_circuits()
    }
}
