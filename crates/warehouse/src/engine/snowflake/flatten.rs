//! `flatten` and `split_to_table`: each row with the elements of a list that a function makes of it.
//!
//! While the engine plans, such a call is a leaf that holds its arguments, which may name columns of the relations to
//! its left. [`expand`] then puts the function above those relations and unnests its list. The engine's own lateral
//! joins cannot do this: their right side would have to be free of outer columns in its projection.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DFSchemaRef, ScalarValue, TableReference, UnnestOptions};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::{
    Cast, Expr, Extension, JoinType, LogicalPlan, LogicalPlanBuilder, UserDefinedLogicalNodeCore, col, lit,
};
use millstream_core::Error;
use sqlparser::ast::{FunctionArg, FunctionArgExpr, TableFactor};

use super::ops::call;
use crate::error::into_engine;
use crate::snowflake::variant;

/// The list, while it is a column of its own.
const LIST: &str = "__flattened";

/// The number of the row.
const SEQUENCE: &str = "__sequence";

/// Plans the calls as leaves.
#[derive(Debug)]
pub(super) struct FlattenPlanner;

impl RelationPlanner for FlattenPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Function { name, args, alias, .. } = &relation else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let function = name.to_string();
        let Some(kind) = Kind::of(&function) else { return Ok(RelationPlanning::Original(Box::new(relation))) };
        let nothing = DFSchema::empty();
        let mut planned = Vec::with_capacity(args.len());
        for arg in args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg else { continue };
            planned.push(context.sql_expr_to_logical_expr(expr.clone(), &nothing)?);
        }
        let mut alias = alias.clone();
        let renamed =
            alias.iter_mut().flat_map(|alias| std::mem::take(&mut alias.columns)).map(|column| column.name.value);
        let renamed: Vec<String> = renamed.collect();
        let leaf = Flatten::new(kind, planned, &renamed)?;
        let plan = LogicalPlan::Extension(Extension { node: Arc::new(leaf) });
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

/// Which function makes the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    Flatten,
    Split,
    StrtokSplit,
}

impl Kind {
    fn of(function: &str) -> Option<Self> {
        Some(match function {
            "sf_flatten" => Kind::Flatten,
            "sf_split_to_table" => Kind::Split,
            "sf_strtok_split_to_table" => Kind::StrtokSplit,
            _ => return None,
        })
    }

    fn function(self) -> &'static str {
        match self {
            Kind::Flatten => "sf_flatten",
            Kind::Split => "sf_split_to_table",
            Kind::StrtokSplit => "sf_strtok_split_to_table",
        }
    }

    /// Columns after `seq`, which are fields of the list's elements.
    fn columns(self) -> Vec<(&'static str, DataType)> {
        match self {
            Kind::Flatten => vec![
                ("key", DataType::Utf8),
                ("path", DataType::Utf8),
                ("index", DataType::Int64),
                ("value", variant()),
                ("this", variant()),
            ],
            Kind::Split | Kind::StrtokSplit => vec![("index", DataType::Int64), ("value", DataType::Utf8)],
        }
    }
}

/// The leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flatten {
    kind: Kind,
    pub(super) args: Vec<Expr>,
    schema: DFSchemaRef,
}

impl Flatten {
    fn new(kind: Kind, args: Vec<Expr>, renamed: &[String]) -> Result<Self> {
        let own = std::iter::once(("seq", DataType::Int64)).chain(kind.columns());
        let fields: Vec<Field> = own
            .enumerate()
            .map(|(position, (name, data_type))| {
                Field::new(renamed.get(position).map_or(name, String::as_str), data_type, true)
            })
            .collect();
        let schema = DFSchema::from_unqualified_fields(fields.into(), Default::default())?;
        Ok(Self { kind, args, schema: Arc::new(schema) })
    }

    /// Whether a row without elements may give one.
    pub(super) fn keeps_empty(&self) -> bool {
        let is_false = |expr: &Expr| matches!(expr, Expr::Literal(ScalarValue::Boolean(Some(false)), _));
        self.kind == Kind::Flatten && !self.args.get(2).is_some_and(is_false)
    }
}

impl Hash for Flatten {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
        self.args.hash(state);
    }
}

impl PartialOrd for Flatten {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match self.kind.partial_cmp(&other.kind) {
            Some(std::cmp::Ordering::Equal) => self.args.partial_cmp(&other.args),
            other => other,
        }
    }
}

impl UserDefinedLogicalNodeCore for Flatten {
    fn name(&self) -> &str {
        "Flatten"
    }
    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }
    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }
    fn expressions(&self) -> Vec<Expr> {
        self.args.clone()
    }
    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flatten: {}", self.kind.function())
    }
    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, _inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self { args: exprs, ..self.clone() })
    }
}

/// Puts every leaf's function above the relations that it reads.
///
/// # Errors
/// A user error for a call in a subquery that reads columns of the query around it.
pub(super) fn expand(plan: LogicalPlan) -> Result<LogicalPlan> {
    let expanded = plan.transform_up_with_subqueries(|plan| {
        let LogicalPlan::Join(join) = &plan else {
            return match leaf(&plan) {
                Some(flatten) if !flatten.args.iter().any(Expr::contains_outer) => {
                    let one_row = LogicalPlanBuilder::empty(true).build()?;
                    Ok(Transformed::yes(above(one_row, flatten, None, flatten.args.clone())?))
                }
                _ => Ok(Transformed::no(plan)),
            };
        };
        let Some((flatten, alias)) = lateral(&join.right) else { return Ok(Transformed::no(plan)) };
        let is_left = match join.join_type {
            JoinType::Inner => false,
            JoinType::Left => true,
            _ => return Err(unsupported("flatten in this kind of join", "use a cross, inner or left join")),
        };
        let mut args =
            flatten.args.iter().map(|arg| from_left(arg.clone(), join.left.schema())).collect::<Result<Vec<_>>>()?;
        let filter = match (&join.filter, join.on.is_empty()) {
            (None, true) => None,
            (Some(Expr::Literal(ScalarValue::Boolean(Some(true)), _)), true) => None,
            (Some(filter), true) if !is_left => Some(filter.clone()),
            _ => {
                return Err(unsupported(
                    "a condition of a left join with flatten",
                    "write 'on true' and filter in 'where'",
                ));
            }
        };
        if is_left {
            match (flatten.kind, args.get_mut(2)) {
                (Kind::Flatten, Some(outer)) => *outer = lit(true),
                _ => return Err(unsupported("a left join with split_to_table", "use a cross join")),
            }
        }
        let mut expanded = above(join.left.as_ref().clone(), flatten, alias, args)?;
        if let Some(filter) = filter {
            expanded = LogicalPlanBuilder::from(expanded).filter(filter)?.build()?;
        }
        Ok(Transformed::yes(expanded))
    })?;
    let mut left_over = false;
    expanded.data.apply_with_subqueries(|plan| {
        left_over |= leaf(plan).is_some();
        Ok(if left_over { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if left_over {
        return Err(unsupported(
            "flatten over a column of the query around it",
            "join it laterally in that query: from t, lateral flatten(input => t.v)",
        ));
    }
    Ok(expanded.data)
}

fn unsupported(what: &str, hint: &str) -> datafusion::error::DataFusionError {
    into_engine(Error::user(format!("{what} is not supported on the embedded warehouse")).hint(hint))
}

pub(super) fn leaf(plan: &LogicalPlan) -> Option<&Flatten> {
    let LogicalPlan::Extension(extension) = plan else { return None };
    let node: &dyn std::any::Any = extension.node.as_any();
    node.downcast_ref::<Flatten>()
}

/// The right side of a join that is a leaf with outer columns, and its alias.
pub(super) fn lateral(right: &LogicalPlan) -> Option<(&Flatten, Option<&TableReference>)> {
    match right {
        LogicalPlan::SubqueryAlias(alias) => match alias.input.as_ref() {
            LogicalPlan::Subquery(subquery) => leaf(&subquery.subquery).map(|flatten| (flatten, Some(&alias.alias))),
            _ => None,
        },
        LogicalPlan::Subquery(subquery) => leaf(&subquery.subquery).map(|flatten| (flatten, None)),
        _ => None,
    }
}

/// Outer columns as columns of the relations to the left.
fn from_left(arg: Expr, left: &DFSchema) -> Result<Expr> {
    let replaced = arg.transform(|expr| match expr {
        Expr::OuterReferenceColumn(_, column) if left.has_column(&column) => Ok(Transformed::yes(Expr::Column(column))),
        Expr::OuterReferenceColumn(..) => Err(unsupported(
            "flatten over a column of the query around it",
            "join it laterally in that query: from t, lateral flatten(input => t.v)",
        )),
        other => Ok(Transformed::no(other)),
    })?;
    Ok(replaced.data)
}

/// The rows of `left`, each with the elements of its list.
pub(super) fn above(
    left: LogicalPlan,
    flatten: &Flatten,
    alias: Option<&TableReference>,
    args: Vec<Expr>,
) -> Result<LogicalPlan> {
    let kept: Vec<Expr> = left.schema().columns().into_iter().map(Expr::Column).collect();
    let number = row_number();
    let number_name = number.schema_name().to_string();
    let list = call(flatten.kind.function(), args)?.alias(LIST);
    let sequence = Expr::Cast(Cast::new(Box::new(Expr::Column(Column::from_name(number_name))), DataType::Int64));
    let listed = LogicalPlanBuilder::from(left)
        .window(vec![number])?
        .project(kept.iter().cloned().chain([sequence.alias(SEQUENCE), list]))?
        .unnest_column_with_options(Column::from_name(LIST), UnnestOptions::new().with_preserve_nulls(false))?;
    let names: Vec<String> = flatten.schema.fields().iter().map(|field| field.name().clone()).collect();
    let own = std::iter::once(col(SEQUENCE))
        .chain(flatten.kind.columns().into_iter().map(|(name, _)| get_field(col(LIST), name)))
        .zip(names)
        .map(|(value, name)| match alias {
            Some(alias) => value.alias_qualified(Some(alias.clone()), name),
            None => value.alias(name),
        });
    listed.project(kept.into_iter().chain(own))?.build()
}
