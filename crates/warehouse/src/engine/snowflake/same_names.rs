//! Columns of one name in a result. The engine refuses them unless they are of different relations, so the rewrite calls
//! the second one `x:1` (and so does the engine itself in subqueries). The result of a query shows the names as they
//! were written; a table cannot have them, which is said when the rows are stored.

use std::collections::HashSet;

use datafusion::common::{Result, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

/// Gives the columns of a whole query the names back that they have in the text.
pub(super) fn restore(plan: LogicalPlan) -> Result<LogicalPlan> {
    let columns = plan.schema().columns();
    let names: HashSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let repeated: HashSet<&str> =
        columns.iter().filter_map(|column| written(&column.name)).filter(|name| names.contains(name)).collect();
    if repeated.is_empty() {
        return Ok(plan);
    }
    let items: Vec<Expr> = columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
            let name = written(&column.name).filter(|name| repeated.contains(name)).unwrap_or(&column.name);
            let is_plain = column.relation.is_some() && name == column.name;
            if is_plain || !repeated.contains(name) {
                return Expr::Column(column.clone());
            }
            // Names of different relations may be the same.
            let relation = TableReference::bare(format!("__same_{position}"));
            Expr::Column(column.clone()).alias_qualified(Some(relation), name)
        })
        .collect();
    LogicalPlanBuilder::from(plan).project(items)?.build()
}

/// The name without the number that keeps it apart.
fn written(name: &str) -> Option<&str> {
    let (name, number) = name.rsplit_once(':')?;
    (!number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())).then_some(name)
}
