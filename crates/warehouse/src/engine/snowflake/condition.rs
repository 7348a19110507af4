//! A condition that stands alone (`incremental_predicates`): planned as the `where` of a query over the relations that it
//! may name, so that it means what it means there.
//!
//! Guarantees: what comes out is one condition on rows of these relations; one that asks other relations is refused.

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, LogicalPlan};
use millstream_core::warehouse::Dialect;
use millstream_core::{Error, Result};

use crate::engine::context::Scope;
use crate::error::from_engine;

/// The condition on rows of relations with these names, which the scope knows.
pub(in crate::engine) fn condition(scope: &Scope<'_>, sql: &str, relations: &[&str]) -> Result<Expr> {
    // A line of its own each, for conditions that end in a comment.
    let query = format!("select 1 from {} where (\n{sql}\n)", relations.join(", "));
    let parsed = millstream_sql::parse_one_in(Dialect::Snowflake, &query);
    let plan = parsed.and_then(|statement| scope.plan(statement)).map_err(placeless)?;
    let found = match &plan {
        LogicalPlan::Projection(projection) => match projection.input.as_ref() {
            LogicalPlan::Filter(filter) => Some(filter.predicate.clone()),
            _ => None,
        },
        _ => None,
    };
    let found = found.ok_or_else(|| Error::user(format!("'{sql}' is not a condition")))?;
    let asks = |expr: &Expr| {
        matches!(expr, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::SetComparison(_))
    };
    if found.exists(|expr| Ok(asks(expr))).map_err(from_engine)? {
        return Err(Error::user("a condition with a query in it is not supported on the embedded warehouse")
            .hint("compare with a value; a macro can ask for it before"));
    }
    Ok(found)
}

/// The same error without its place, which is one in a text that nobody wrote.
fn placeless(error: Error) -> Error {
    let told = error.causes().iter().fold(Error::new(error.kind(), error.what()), Error::why);
    match error.fix() {
        Some(fix) => told.hint(fix),
        None => told,
    }
}
