//! Queries in Snowflake's dialect: the tree is rewritten by `millstream_sql::snowflake`, then planned with Snowflake's
//! functions and with operators whose types are Snowflake's.
//!
//! Guarantees: functions of the engine are found only where they mean the same (see `crate::snowflake`), so that a name
//! never silently means something else.

mod asked;
mod asked_lists;
mod condition;
mod flatten;
mod lists;
mod meet;
mod names;
mod ops;
mod same_names;

use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::ContextProvider;
use datafusion::sql::planner::SqlToRel;
use millstream_core::Result;
use millstream_core::warehouse::Dialect;
use millstream_sql::Statement;
use millstream_sql::snowflake;

use super::context::{Scope, parser_options};
use crate::error::{from_engine, into_engine};
use crate::snowflake::sort_variants;
pub(super) use condition::condition;
use names::SnowflakeNames;

/// Plans one reading statement whose unqualified names are looked up in `default_schema` first.
pub(super) fn plan(scope: &Scope<'_>, statement: Statement, default_schema: Option<&str>) -> Result<LogicalPlan> {
    let names = SnowflakeNames::new(scope, default_schema);
    names.plan(rewritten(&names, statement)?).map_err(from_engine)
}

/// What the engine plans of a statement; its places are those of the text.
pub(super) fn rewrite(scope: &Scope<'_>, statement: Statement, default_schema: Option<&str>) -> Result<Statement> {
    rewritten(&SnowflakeNames::new(scope, default_schema), statement)
}

/// Plans a statement that [`rewrite`] made.
pub(super) fn plan_rewritten(
    scope: &Scope<'_>,
    statement: Statement,
    default_schema: Option<&str>,
) -> EngineResult<LogicalPlan> {
    SnowflakeNames::new(scope, default_schema).plan(statement)
}

fn rewritten(names: &SnowflakeNames<'_, '_>, statement: Statement) -> Result<Statement> {
    let mut statement = match snowflake::for_show(&statement)? {
        Some(question) => millstream_sql::parse_one_in(Dialect::Snowflake, &question)?,
        None => statement,
    };
    snowflake::rewrite(&mut statement, names)?;
    Ok(statement)
}

impl SnowflakeNames<'_, '_> {
    /// Plans a rewritten statement.
    fn plan(&self, statement: Statement) -> EngineResult<LogicalPlan> {
        SqlToRel::new_with_options(self, parser_options(self.options()))
            .sql_statement_to_plan(statement)
            .and_then(asked_lists::linked)
            .and_then(flatten::expand)
            .and_then(asked::mend)
            .and_then(lists::mend)
            .and_then(|plan| sort_variants(plan).map_err(into_engine))
            .and_then(same_names::restore)
    }
}
