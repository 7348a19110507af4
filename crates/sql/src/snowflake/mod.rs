//! Snowflake's dialect: rewrites the tree that its parser gives into one that the engine plans.
//!
//! Guarantees: one walk visits every part of a query and knows each kind of node; what it does not know gives one user
//! error with its place, so that nothing reaches the engine by chance and means something else there. Names come out
//! folded and quoted (see [`fold`]), casts and paths as calls of functions whose names start with `sf_`, which the
//! warehouse has. The text is never rewritten, so places stay those of the user.
//!
//! Each construct has a file: `aliases` (lateral column aliases), `wildcard` (`exclude`, `rename`, `replace`, `ilike`),
//! `by_name` (`using`), `pivot`, `unpivot`, `asof`, `sample`, `table_function` (`generator`, `flatten`), `like` (`any`,
//! `all`), `date_parts`, `interval`, `types`, `call` (functions and their clauses), `ordered`
//! (`within group` in a window), `windows` (named windows), `group_by` (`group by all`).
//!
//! Deliberately absent: types of columns. What depends on them (`1 / 2`, `date + 1`) is decided while the engine plans.

mod aliases;
mod asof;
mod build;
mod by_name;
mod call;
mod date_parts;
mod escapes;
mod expr;
mod fold;
mod from;
mod group_by;
mod interval;
mod like;
mod ordered;
mod pivot;
mod problem;
mod query;
mod sample;
mod scope;
mod select;
mod show;
mod table_function;
mod types;
mod unpivot;
mod wildcard;
mod windows;

use millstream_core::Result;
use sqlparser::ast::{Expr, Query, Statement};

pub(crate) use date_parts::canonical as date_part;
pub(crate) use escapes::read as read_escapes;
pub use fold::{as_value, fold_text, fold_written};
pub use query::Columns;
pub use show::for_show;
pub use types::type_text;

/// What a rewrite has to ask about the warehouse.
pub trait Schemas {
    /// Columns of a relation, in order; `None` when there is none of that name. One or two parts: `[schema,] name`.
    fn columns(&self, parts: &[String]) -> Option<Vec<String>>;
    /// Whether there is a function of that name (lower case).
    fn is_function(&self, name: &str) -> bool;
    /// Whether the function of that name (lower case) is an aggregate.
    fn is_aggregate(&self, name: &str) -> bool;
    /// Names of all functions, for hints.
    fn functions(&self) -> Vec<String>;
    /// What `current_schema()` and its like give.
    fn session(&self, value: SessionValue) -> Option<String>;
    /// The values of a query's only column, rewritten already: a pivot over values that are not written down asks for them.
    fn values(&self, query: &Query) -> Result<Vec<PivotValue>>;
}

/// Facts about a session that queries can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionValue {
    /// `current_database()`
    Database,
    /// `current_schema()`
    Schema,
    /// `current_role()`
    Role,
    /// `current_warehouse()`
    Warehouse,
    /// `current_user()`
    User,
    /// `current_account()`
    Account,
}

/// A value that becomes a column of a pivot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PivotValue {
    /// A text, a date or anything else that is told as a text.
    Text(String),
    /// A number as it is written.
    Number(String),
}

/// Rewrites a query or an `explain` of one. Other statements are left alone.
///
/// # Errors
/// A user error with a place for what Snowflake does not allow and for what the warehouse cannot do.
pub fn rewrite(statement: &mut Statement, schemas: &dyn Schemas) -> Result<()> {
    match statement {
        Statement::Query(query) => rewrite_query(query, schemas).map(|_| ()),
        Statement::Explain { statement, .. } => rewrite(statement, schemas),
        _ => Ok(()),
    }
}

/// Rewrites a query; gives the names of its columns where they are known.
///
/// # Errors
/// As [`rewrite`].
pub fn rewrite_query(query: &mut Query, schemas: &dyn Schemas) -> Result<Columns> {
    Rewriter::new(schemas).query(query)
}

/// Rewrites an expression over the columns of relations with these names (and columns): for statements that change
/// rows. A name of a relation is its alias, if it has one.
///
/// # Errors
/// As [`rewrite`].
pub fn rewrite_expr(expr: &mut Expr, sources: &[(String, Option<Vec<String>>)], schemas: &dyn Schemas) -> Result<()> {
    let sources = sources.iter().map(|(name, columns)| scope::Source::new(name, columns.clone())).collect();
    Rewriter::new(schemas).expr(expr, &scope::Scope { sources, ..scope::Scope::default() })
}

/// The walk.
pub(crate) struct Rewriter<'a> {
    schemas: &'a dyn Schemas,
    /// Common table expressions in sight, outermost first.
    ctes: Vec<scope::Known>,
    /// Nodes that were copied in place of aliases.
    copied: usize,
    /// Number of names that were made up.
    made_up: usize,
}

impl<'a> Rewriter<'a> {
    fn new(schemas: &'a dyn Schemas) -> Self {
        Self { schemas, ctes: Vec::new(), copied: 0, made_up: 0 }
    }

    /// A name that no user gives.
    fn make_up(&mut self, stem: &str) -> String {
        self.made_up += 1;
        format!("__{stem}_{}", self.made_up)
    }
}
