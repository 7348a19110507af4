//! Queries: `with`, set operations, `values`, `order by`, `limit`, `fetch`, `top`.

use std::ops::ControlFlow;

use millstream_core::Result;
use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    Cte, Expr, Fetch, LimitClause, Offset, OffsetRows, OrderBy, OrderByExpr, OrderByKind, Query, SetExpr, SetOperator,
    SetQuantifier, Spanned, TableFactor, Top, TopQuantity, Value, Visit, Visitor, With,
};

use super::Rewriter;
use super::build::{column, number};
use super::fold::{fold, folded};
use super::problem::{unsupported, wrong};
use super::scope::{Known, Scope};
use super::select::Selected;

/// Names of a relation's columns, where they are known.
pub type Columns = Option<Vec<String>>;

impl Rewriter<'_> {
    /// Rewrites a query and tells its columns.
    pub(super) fn query(&mut self, query: &mut Query) -> Result<Columns> {
        let span = query.span();
        for (is_there, what) in [
            (!query.locks.is_empty(), "'for update'"),
            (query.for_clause.is_some(), "the 'for' clause"),
            (query.settings.is_some(), "'settings'"),
            (query.format_clause.is_some(), "'format'"),
            (!query.pipe_operators.is_empty(), "the flow operator"),
        ] {
            if is_there {
                return Err(unsupported(what, span, "leave it out"));
            }
        }
        let outer = self.ctes.len();
        if let Some(with) = &mut query.with {
            self.with(with)?;
        }
        let selected = self.body(&mut query.body)?;
        if let Some(order_by) = &mut query.order_by {
            self.order_by(order_by, &selected)?;
        }
        self.limit(query)?;
        self.ctes.truncate(outer);
        Ok(selected.columns)
    }

    fn with(&mut self, with: &mut With) -> Result<()> {
        for cte in &mut with.cte_tables {
            let name = folded(&cte.alias.name);
            fold(&mut cte.alias.name);
            let mut listed = Vec::new();
            for column in &mut cte.alias.columns {
                fold(&mut column.name);
                listed.push(column.name.value.clone());
            }
            let given = (!listed.is_empty()).then_some(listed);
            // `recursive` may be left out: what reads itself in a union is recursive.
            if is_recursive(&cte.query, &name) {
                with.recursive = true;
                let anchor = match &given {
                    Some(_) => given.clone(),
                    None => self.anchor_columns(&cte.query)?,
                };
                let position = self.ctes.len();
                self.ctes.push(Known { name, columns: anchor, cte: None, is_recursive: true });
                self.query(&mut cte.query)?;
                if let Some(known) = self.ctes.get_mut(position) {
                    known.cte = Some(cte.clone());
                }
                continue;
            }
            let own = self.query(&mut cte.query)?;
            self.ctes.push(Known { name, columns: given.or(own), cte: Some(cte.clone()), is_recursive: false });
        }
        Ok(())
    }

    /// The common table expressions in sight as a clause, for a question that is asked apart.
    pub(super) fn with_in_sight(&self) -> Option<With> {
        let mut cte_tables: Vec<Cte> = Vec::new();
        for cte in self.ctes.iter().filter_map(|known| known.cte.as_ref()) {
            cte_tables.retain(|earlier| earlier.alias.name.value != cte.alias.name.value);
            cte_tables.push(cte.clone());
        }
        let recursive = self.ctes.iter().any(|known| known.is_recursive);
        (!cte_tables.is_empty()).then(|| With { with_token: AttachedToken::empty(), recursive, cte_tables })
    }

    /// Columns of a recursive expression, which are those of its first part.
    fn anchor_columns(&mut self, query: &Query) -> Result<Columns> {
        let mut body = query.body.as_ref();
        while let SetExpr::SetOperation { left, .. } = body {
            body = left;
        }
        Ok(self.body(&mut body.clone())?.columns)
    }

    fn body(&mut self, body: &mut SetExpr) -> Result<Selected> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => Ok(Selected::columns(self.query(query)?)),
            SetExpr::SetOperation { left, right, op, set_quantifier } => {
                if *op == SetOperator::Minus {
                    *op = SetOperator::Except;
                }
                let mut columns = self.body(left)?.columns;
                let others = self.body(right)?.columns;
                // By name, the second query's own columns come behind those of the first.
                if is_by_name(*set_quantifier) {
                    columns = columns.zip(others).map(|(mut all, others)| {
                        let new: Vec<String> = others.into_iter().filter(|name| !all.contains(name)).collect();
                        all.extend(new);
                        all
                    });
                }
                Ok(Selected::columns(columns))
            }
            SetExpr::Values(values) => {
                let scope = Scope::default();
                let mut width = 0;
                for row in &mut values.rows {
                    width = row.content.len();
                    for value in &mut row.content {
                        self.expr(value, &scope)?;
                    }
                }
                Ok(Selected::columns(Some((1..=width).map(|position| format!("column{position}")).collect())))
            }
            other => Err(unsupported("this kind of query", other.span(), "write it as 'select … from …'")),
        }
    }

    fn order_by(&mut self, order_by: &mut OrderBy, selected: &Selected) -> Result<()> {
        match &mut order_by.kind {
            OrderByKind::All(_) => Ok(()),
            OrderByKind::Expressions(items) => {
                if let [only] = items.as_slice()
                    && is_all(&only.expr)
                    && !selected.scope.is_column("all")
                {
                    let options = only.options;
                    // By position, because the engine knows `all` for plain columns only.
                    let by_position =
                        |position: usize| OrderByExpr { expr: number(position.to_string()), options, with_fill: None };
                    order_by.kind = match &selected.columns {
                        Some(columns) => OrderByKind::Expressions((1..=columns.len()).map(by_position).collect()),
                        None => OrderByKind::All(options),
                    };
                    return Ok(());
                }
                for item in items {
                    // What is in the select list is ordered by its name there.
                    if let Some(name) = selected.name_of(&item.expr).or_else(|| selected.joined_name(&item.expr)) {
                        item.expr = column(name);
                        continue;
                    }
                    self.output_expr(&mut item.expr, selected)?;
                }
                Ok(())
            }
        }
    }

    /// An expression of `order by`: a bare name means an output column first, which the engine looks up.
    fn output_expr(&mut self, expr: &mut Expr, selected: &Selected) -> Result<()> {
        let scope = Scope { aliases: Vec::new(), ..selected.scope.clone() };
        self.expr(expr, &scope)
    }

    /// Expressions of an `order by` that is not a query's.
    pub(super) fn order_by_exprs(&mut self, items: &mut [OrderByExpr], scope: &Scope) -> Result<()> {
        items.iter_mut().try_for_each(|item| self.expr(&mut item.expr, scope))
    }

    fn limit(&mut self, query: &mut Query) -> Result<()> {
        let top = match query.body.as_mut() {
            SetExpr::Select(select) => select.top.take(),
            _ => None,
        };
        let count = match (top, query.fetch.take()) {
            (None, None) => None,
            (Some(top), None) => Some(quantity_of_top(top, query)?),
            (None, Some(fetch)) => Some(quantity_of_fetch(fetch, query)?),
            (Some(_), Some(_)) => {
                return Err(wrong("'top' and 'fetch' exclude each other", query.span(), "keep one of them"));
            }
        };
        if let Some(count) = count {
            let offset = match query.limit_clause.take() {
                None => None,
                Some(LimitClause::LimitOffset { limit: None, offset, .. }) => offset,
                Some(_) => return Err(wrong("the number of rows is limited twice", query.span(), "keep one of them")),
            };
            query.limit_clause = Some(LimitClause::LimitOffset { limit: Some(count), offset, limit_by: Vec::new() });
        }
        let Some(LimitClause::LimitOffset { limit, offset, .. }) = &mut query.limit_clause else { return Ok(()) };
        // `limit null` and an empty text mean no limit.
        if limit.as_ref().is_some_and(is_nothing) {
            *limit = None;
        }
        if offset.as_ref().is_some_and(|offset| is_nothing(&offset.value)) {
            *offset = None;
        }
        if let Some(Offset { rows, .. }) = offset {
            *rows = OffsetRows::None;
        }
        Ok(())
    }
}

/// Whether columns are matched by their names.
fn is_by_name(quantifier: SetQuantifier) -> bool {
    matches!(quantifier, SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName)
}

/// `order by all`, which the parser takes for a name in this dialect.
fn is_all(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("all"))
}

fn is_nothing(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Null => true,
            Value::SingleQuotedString(text) => text.is_empty(),
            Value::DollarQuotedString(text) => text.value.is_empty(),
            _ => false,
        },
        _ => false,
    }
}

fn quantity_of_top(top: Top, query: &Query) -> Result<Expr> {
    match top {
        Top { with_ties: false, percent: false, quantity: Some(TopQuantity::Constant(count)) } => {
            Ok(number(count.to_string()))
        }
        Top { with_ties: false, percent: false, quantity: Some(TopQuantity::Expr(count)) } => Ok(count),
        _ => Err(unsupported("this form of 'top'", query.span(), "write 'top' and a number")),
    }
}

fn quantity_of_fetch(fetch: Fetch, query: &Query) -> Result<Expr> {
    match fetch {
        Fetch { with_ties: false, percent: false, quantity } => Ok(quantity.unwrap_or_else(|| number("1"))),
        _ => Err(unsupported("this form of 'fetch'", query.span(), "write 'fetch' and a number")),
    }
}

/// Whether a query is a union that reads the name that it is about to get.
fn is_recursive(query: &Query, name: &str) -> bool {
    struct Reads<'n>(&'n str);
    impl Visitor for Reads<'_> {
        type Break = ();
        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            match factor {
                TableFactor::Table { name, args: None, .. } => match name.0.as_slice() {
                    [one] if one.as_ident().is_some_and(|ident| folded(ident) == self.0) => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                },
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let SetExpr::SetOperation { op: SetOperator::Union, right, .. } = query.body.as_ref() else { return false };
    right.visit(&mut Reads(name)).is_break()
}
