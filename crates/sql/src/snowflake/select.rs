//! One `select`: its relations, its list, its conditions.

use millstream_core::Result;
use sqlparser::ast::{Distinct, Expr, GroupByExpr, Select, SelectFlavor, SelectItem, Spanned, UnaryOperator, Value};

use super::build::{call, item, null, text};
use super::fold::{fold, folded};
use super::problem::unsupported;
use super::query::Columns;
use super::scope::{Alias, Scope};
use super::{Rewriter, windows};

/// What is known of a rewritten `select`.
#[derive(Debug, Default)]
pub(super) struct Selected {
    pub columns: Columns,
    pub scope: Scope,
    /// Expressions of the list as they were written, and the names that their columns have.
    written: Vec<(Expr, String)>,
}

impl Selected {
    /// Of something that only has columns.
    pub fn columns(columns: Columns) -> Self {
        Self { columns, ..Self::default() }
    }

    /// The output column that computes just this. Bare names are left to the engine: they may be aliases.
    pub fn name_of(&self, expr: &Expr) -> Option<&str> {
        if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_)) {
            return None;
        }
        self.written.iter().find(|(written, _)| written == expr).map(|(_, name)| name.as_str())
    }

    /// The output column that a bare name means, if an outer join put the column of that name together.
    pub fn joined_name(&self, expr: &Expr) -> Option<&str> {
        let Expr::Identifier(ident) = expr else { return None };
        let name = folded(ident);
        self.scope.joined(&name)?;
        self.columns.iter().flatten().find(|column| **column == name).map(String::as_str)
    }
}

impl Rewriter<'_> {
    pub(super) fn select(&mut self, select: &mut Select) -> Result<Selected> {
        reject(select)?;
        let mut scope = self.from(&mut select.from)?;
        scope.windows = windows::defined(std::mem::take(&mut select.named_window))?;
        let mut columns: Columns = Some(Vec::new());
        let mut written = Vec::new();
        let mut projection = Vec::with_capacity(select.projection.len());
        for item in std::mem::take(&mut select.projection) {
            self.item(item, &mut scope, &mut projection, &mut columns, &mut written)?;
        }
        select.projection = projection;
        for condition in [&mut select.selection, &mut select.having, &mut select.qualify].into_iter().flatten() {
            self.expr(condition, &scope)?;
        }
        if matches!(select.group_by, GroupByExpr::All(_)) {
            self.group_by_all(&mut select.group_by, &select.projection);
            return Ok(Selected { columns, scope, written });
        }
        if let GroupByExpr::Expressions(keys, modifiers) = &mut select.group_by {
            if !modifiers.is_empty() {
                return Err(unsupported(
                    "'with rollup' or 'with cube'",
                    select.span(),
                    "write 'rollup (…)' or 'cube (…)'",
                ));
            }
            for key in keys {
                let is_name = matches!(key, Expr::Identifier(_));
                self.expr(key, &scope)?;
                // A number that an alias stands for is no position.
                if is_name && is_number(key) {
                    *key = call("sf_cast", vec![std::mem::replace(key, null()), text("varchar")]);
                }
            }
        }
        Ok(Selected { columns, scope, written })
    }

    fn item(
        &mut self,
        item_: SelectItem,
        scope: &mut Scope,
        projection: &mut Vec<SelectItem>,
        columns: &mut Columns,
        written: &mut Vec<(Expr, String)>,
    ) -> Result<()> {
        match item_ {
            SelectItem::UnnamedExpr(mut expr) => {
                let before = expr.clone();
                self.expr(&mut expr, scope)?;
                let is_plain = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                let name = name_of(&before, &expr);
                if is_plain && column_name(&expr).is_some_and(|column| column == name) {
                    let new = match is_repeated(&expr, &name, projection, columns, scope) {
                        true => item(expr, &apart(name.clone(), projection, columns)),
                        false => SelectItem::UnnamedExpr(expr),
                    };
                    add(projection, columns, new);
                    return Ok(());
                }
                let name = apart(name, projection, columns);
                written.push((before, name.clone()));
                add(projection, columns, item(expr, &name));
            }
            SelectItem::ExprWithAlias { mut expr, mut alias } => {
                let before = expr.clone();
                self.expr(&mut expr, scope)?;
                fold(&mut alias);
                scope.aliases.push(Alias::new(&alias.value, &expr));
                alias.value = apart(alias.value, projection, columns);
                written.push((before, alias.value.clone()));
                add(projection, columns, SelectItem::ExprWithAlias { expr, alias });
            }
            SelectItem::ExprWithAliases { expr, .. } => {
                return Err(unsupported("a list of aliases", expr.span(), "give each column one alias"));
            }
            SelectItem::Wildcard(options) => {
                let found = self.wildcard(None, options, scope)?;
                extend(columns, found.columns);
                projection.extend(found.items);
            }
            SelectItem::QualifiedWildcard(kind, options) => {
                let found = self.wildcard(Some(kind), options, scope)?;
                extend(columns, found.columns);
                projection.extend(found.items);
            }
        }
        Ok(())
    }
}

/// Adds an item that is one column.
fn add(projection: &mut Vec<SelectItem>, columns: &mut Columns, new: SelectItem) {
    let name = match &new {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(expr) => column_name(expr),
        _ => None,
    };
    extend(columns, name.map(|name| vec![name]));
    projection.push(new);
}

fn extend(columns: &mut Columns, more: Columns) {
    match (columns.as_mut(), more) {
        (Some(columns), Some(more)) => columns.extend(more),
        _ => *columns = None,
    }
}

/// Whether it is a number as it is written.
fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::Nested(inner) | Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr: inner } => {
            is_number(inner)
        }
        _ => false,
    }
}

/// The last part of a name.
fn column_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(folded(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded),
        _ => None,
    }
}

/// What a column without an alias is called: the column's name, or the text of the expression.
fn name_of(before: &Expr, after: &Expr) -> String {
    if let Some(name) = column_name(before).filter(|name| !name.starts_with('$')) {
        return name;
    }
    match before {
        // `$1` has the name of the column that it means.
        Expr::Value(value) if matches!(value.value, Value::Placeholder(_)) => {
            column_name(after).unwrap_or_else(|| before.to_string().to_lowercase())
        }
        Expr::CompoundIdentifier(_) => column_name(after).unwrap_or_default(),
        other => other.to_string().to_lowercase(),
    }
}

/// Whether the engine would take a column for one that is there already: columns of one name must be of different
/// relations.
fn is_repeated(expr: &Expr, name: &str, projection: &[SelectItem], columns: &Columns, scope: &Scope) -> bool {
    projection.iter().any(|item| match item {
        SelectItem::ExprWithAlias { alias, .. } => alias.value == name,
        SelectItem::UnnamedExpr(other) => {
            column_name(other).is_some_and(|column| column == name) && (scope.sources.len() < 2 || other == expr)
        }
        _ => columns.iter().flatten().any(|column| column == name),
    })
}

/// The engine refuses two computed columns of one name, which Snowflake allows: the second one gets `:1`, and so on.
/// The result of the whole query has the names as they were written.
fn apart(name: String, projection: &[SelectItem], columns: &Columns) -> String {
    let is_taken = |name: &str| {
        columns.iter().flatten().any(|column| column == name)
            || projection.iter().any(|item| match item {
                SelectItem::ExprWithAlias { alias, .. } => alias.value == name,
                SelectItem::UnnamedExpr(expr) => column_name(expr).is_some_and(|column| column == name),
                _ => false,
            })
    };
    if !is_taken(&name) {
        return name;
    }
    (1..).map(|number| format!("{name}:{number}")).find(|name| !is_taken(name)).unwrap_or(name)
}

fn reject(select: &Select) -> Result<()> {
    if let Some(tree) = select.connect_by.first() {
        return Err(unsupported("'connect by'", tree.span(), "write a recursive common table expression"));
    }
    let span = select.span();
    for (is_there, what, hint) in [
        (select.into.is_some(), "'select into'", "write the query as a model"),
        (!select.lateral_views.is_empty(), "'lateral view'", "write 'lateral flatten(input => …)'"),
        (select.prewhere.is_some(), "'prewhere'", "write 'where'"),
        (!select.cluster_by.is_empty(), "'cluster by'", "leave it out"),
        (!select.distribute_by.is_empty(), "'distribute by'", "leave it out"),
        (!select.sort_by.is_empty(), "'sort by'", "write 'order by'"),
        (select.value_table_mode.is_some(), "'select as'", "leave it out"),
        (select.exclude.is_some(), "'exclude' after the list", "write it behind the star"),
        (select.flavor != SelectFlavor::Standard, "'from' before 'select'", "write 'select' first"),
        (
            matches!(select.distinct, Some(Distinct::On(_))),
            "'distinct on'",
            "write 'qualify row_number() over (…) = 1'",
        ),
    ] {
        if is_there {
            return Err(unsupported(what, span, hint));
        }
    }
    Ok(())
}
