//! `pivot`: values of a column become columns. Becomes one aggregate for each value, grouped by all other columns.
//!
//! Source: docs.snowflake.com, "PIVOT".

use millstream_core::Result;
use sqlparser::ast::{
    BinaryOperator, Distinct, Expr, Function, GroupByExpr, OrderBy, OrderByKind, PivotValueSource, SelectItem, Spanned,
    TableFactor,
};
use sqlparser::tokenizer::Span;

use super::build::{binary, call, case, column, derived, item, number, query, select, text};
use super::call::plain_args;
use super::fold::{fold_text, folded};
use super::from::{aliased, all_of};
use super::problem::{did_you_mean, unsupported, wrong};
use super::scope::Scope;
use super::{PivotValue, Rewriter, build};

/// Columns that a pivot makes at most.
const VALUES_MAX: usize = 1_000;

/// What may be computed for each value.
const AGGREGATES: &[&str] = &["avg", "count", "max", "min", "sum"];

impl Rewriter<'_> {
    pub(super) fn pivot(&mut self, factor: &mut TableFactor, scope: &mut Scope) -> Result<()> {
        let span = factor.span();
        let placeholder = TableFactor::TableFunction { expr: build::null(), alias: None };
        let TableFactor::Pivot {
            mut table,
            mut aggregate_functions,
            mut value_column,
            value_source,
            default_on_null,
            mut alias,
        } = std::mem::replace(factor, placeholder)
        else {
            return Ok(());
        };
        let input = self.input(&mut table)?;
        let (Some(aggregate), true) = (aggregate_functions.pop(), aggregate_functions.is_empty()) else {
            return Err(unsupported("a pivot over several aggregates", span, "write one pivot for each and join them"));
        };
        let (function, argument, argument_name) = aggregate_of(&aggregate.expr)?;
        let (Some(Expr::Identifier(by)), true) = (value_column.pop(), value_column.is_empty()) else {
            return Err(wrong("a pivot is made for one column", span, "write pivot(sum(amount) for month in (…))"));
        };
        let by_name = folded(&by);
        let Some(columns) = input.columns else {
            return Err(wrong("the columns of the pivoted relation are not known", span, "check that it exists"));
        };
        for (name, at) in [(&by_name, by.span), (&argument_name, argument.span())] {
            if !columns.contains(name) {
                let hint = did_you_mean(name, columns.iter().map(String::as_str), "name a column of the relation");
                return Err(wrong(format!("there is no column '{name}' to pivot"), at, hint));
            }
        }
        let values = self.pivot_values(value_source, &table, &by_name, span)?;
        let rest: Vec<String> =
            columns.into_iter().filter(|column| *column != by_name && *column != argument_name).collect();
        let default = match default_on_null {
            None => None,
            Some(mut default) => {
                self.expr(&mut default, &Scope::default())?;
                Some(default)
            }
        };
        let mut items: Vec<SelectItem> = rest.iter().map(|name| SelectItem::UnnamedExpr(column(name))).collect();
        let mut names = rest.clone();
        for (value, name) in values {
            let is_it = binary(column(&by_name), BinaryOperator::Eq, value);
            let wanted = call(&function, vec![case(None, vec![(is_it, column(&argument_name))])]);
            let wanted = match &default {
                Some(default) => call("coalesce", vec![wanted, default.clone()]),
                None => wanted,
            };
            items.push(item(wanted, &name));
            names.push(name);
        }
        let mut rows = select(items, vec![build::from(*table)]);
        rows.group_by = GroupByExpr::Expressions(rest.iter().map(|name| column(name)).collect(), Vec::new());
        let source = aliased(&mut alias, Some("pivot"), Some(names));
        *factor = derived(query(rows), alias.or_else(|| source.name.as_deref().map(build::alias)));
        scope.sources.push(source);
        Ok(())
    }

    /// The values and the names of their columns.
    fn pivot_values(
        &mut self,
        source: PivotValueSource,
        table: &TableFactor,
        by: &str,
        span: Span,
    ) -> Result<Vec<(Expr, String)>> {
        let mut asked = match source {
            PivotValueSource::List(list) => {
                let mut values = Vec::with_capacity(list.len());
                for value in list {
                    let written = value.expr.to_string();
                    let mut expr = value.expr;
                    self.expr(&mut expr, &Scope::default())?;
                    let name = value.alias.as_ref().map_or_else(|| fold_text(&written), folded);
                    values.push((expr, name));
                }
                return Ok(values);
            }
            PivotValueSource::Any(order) => {
                let mut distinct = all_of(table.clone());
                distinct.projection = vec![SelectItem::UnnamedExpr(column(by))];
                distinct.distinct = Some(Distinct::Distinct);
                distinct.selection = Some(Expr::IsNotNull(Box::new(column(by))));
                let mut values = query(distinct);
                let mut order = order;
                for key in &mut order {
                    self.expr(&mut key.expr, &Scope::default())?;
                }
                if order.is_empty() {
                    order.push(sqlparser::ast::OrderByExpr {
                        expr: column(by),
                        options: sqlparser::ast::OrderByOptions { asc: None, nulls_first: None },
                        with_fill: None,
                    });
                }
                values.order_by = Some(OrderBy { kind: OrderByKind::Expressions(order), interpolate: None });
                values
            }
            PivotValueSource::Subquery(mut subquery) => {
                self.query(&mut subquery)?;
                *subquery
            }
        };
        // Common table expressions in sight belong to the question.
        if !self.ctes.is_empty() && asked.with.is_none() {
            asked.with = self.with_in_sight();
        }
        let values = self.schemas.values(&asked).map_err(|error| super::problem::at(error, span))?;
        if values.len() > VALUES_MAX {
            return Err(wrong(
                format!("the pivot has {} values", values.len()),
                span,
                format!("at most {VALUES_MAX} values become columns; list the ones that are wanted"),
            ));
        }
        Ok(values
            .into_iter()
            .map(|value| match value {
                PivotValue::Text(value) => {
                    let name = fold_text(&format!("'{value}'"));
                    (text(value), name)
                }
                PivotValue::Number(digits) => (number(digits.clone()), digits),
            })
            .collect())
    }
}

/// The aggregate, its argument, and the name of that.
fn aggregate_of(expr: &Expr) -> Result<(String, Expr, String)> {
    let refused = || {
        wrong(
            "a pivot computes avg, count, max, min or sum of one column",
            expr.span(),
            "write pivot(sum(amount) for …)",
        )
    };
    let Expr::Function(Function { name, args, over: None, filter: None, .. }) = expr else { return Err(refused()) };
    let function = name.to_string().to_lowercase();
    if !AGGREGATES.contains(&function.as_str()) {
        return Err(refused());
    }
    match plain_args(args.clone()).as_deref() {
        Some([argument @ Expr::Identifier(ident)]) => Ok((function, argument.clone(), folded(ident))),
        _ => Err(refused()),
    }
}
