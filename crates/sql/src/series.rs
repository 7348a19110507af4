//! What the column of `unnest(…)`, `generate_series(…)` and `range(…)` in `from` is called.
//!
//! In PostgreSQL and DuckDB by the function, or by the alias: `select n from generate_series(1, 3) as n`. The engine
//! says `value`, or the text of the call. A column that the query names in the former way gets that name; the engine's
//! names stay where a query uses those.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectNamePart, Select, TableAlias, TableAliasColumnDef, TableFactor, Visit, Visitor,
};

use crate::refs::folded;

/// Table functions with one column.
const FUNCTIONS: [&str; 2] = ["generate_series", "range"];

/// Names the columns of the select's table functions as it calls them.
pub(crate) fn name_columns(select: &mut Select) {
    let mut used: Option<HashSet<String>> = None;
    for table in 0..select.from.len() {
        // The first is the table itself, the others are joined to it.
        for join in 0..=select.from[table].joins.len() {
            let Some(name) = factor(select, table, join).and_then(|factor| unnamed(factor)) else { continue };
            let is_used = used.get_or_insert_with(|| columns_of(select)).contains(&name);
            if let Some(factor) = factor(select, table, join).filter(|_| is_used) {
                give(factor, &name);
            }
        }
    }
}

fn factor(select: &mut Select, table: usize, join: usize) -> Option<&mut TableFactor> {
    let table = select.from.get_mut(table)?;
    match join.checked_sub(1) {
        None => Some(&mut table.relation),
        Some(join) => Some(&mut table.joins.get_mut(join)?.relation),
    }
}

/// What the column of a table function is called, unless an alias says so already.
fn unnamed(factor: &TableFactor) -> Option<String> {
    let (own, alias) = match factor {
        TableFactor::UNNEST { alias, array_exprs, .. } if array_exprs.len() == 1 => ("unnest".to_owned(), alias),
        TableFactor::Table { name, alias, args: Some(_), .. } => {
            let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else { return None };
            (folded(ident), alias)
        }
        _ => return None,
    };
    if own != "unnest" && !FUNCTIONS.contains(&own.as_str()) {
        return None;
    }
    match alias {
        None => Some(own),
        Some(alias) if alias.columns.is_empty() => Some(folded(&alias.name)),
        Some(_) => None,
    }
}

fn give(factor: &mut TableFactor, name: &str) {
    let (TableFactor::UNNEST { alias, .. } | TableFactor::Table { alias, .. }) = factor else { return };
    let alias = alias.get_or_insert_with(|| TableAlias {
        explicit: true,
        name: Ident::new(name),
        columns: Vec::new(),
        at: None,
    });
    alias.columns.push(TableAliasColumnDef { name: alias.name.clone(), data_type: None });
}

/// Names of columns that the select's expressions use: `n`, and `n` of `t.n`.
fn columns_of(select: &Select) -> HashSet<String> {
    struct Names(HashSet<String>);
    impl Visitor for Names {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let last = match expr {
                Expr::Identifier(ident) => Some(ident),
                Expr::CompoundIdentifier(idents) => idents.last(),
                _ => None,
            };
            self.0.extend(last.map(folded));
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(HashSet::new());
    let _ = select.visit(&mut names);
    names.0
}

#[cfg(test)]
mod tests {
    use crate::testing::rewritten;

    #[test]
    fn a_column_is_called_like_the_function_or_the_alias() {
        assert_eq!(
            rewritten("select generate_series::date from generate_series(1, 2)"),
            "SELECT generate_series::DATE FROM generate_series(1, 2) AS generate_series (generate_series)"
        );
        assert_eq!(
            rewritten("select a, N + 1 from t cross join generate_series(1, 2) as n"),
            "SELECT a, N + 1 FROM t CROSS JOIN generate_series(1, 2) AS n (n)"
        );
        assert_eq!(rewritten("select u.u from unnest(array[1]) u"), "SELECT u.u FROM UNNEST(ARRAY[1]) u (u)");
    }

    #[test]
    fn names_of_the_engine_and_of_the_user_stay() {
        for sql in [
            "SELECT value FROM generate_series(1, 2)",
            "SELECT g.value FROM generate_series(1, 2) AS g",
            "SELECT n FROM generate_series(1, 2) AS g (n)",
            "SELECT n FROM t AS n",
        ] {
            assert_eq!(rewritten(sql), sql);
        }
    }
}
