//! Which relations a statement reads, common table expressions apart.

use std::ops::ControlFlow;

use millstream_core::Place;
use sqlparser::ast::{Ident, ObjectName, ObjectNamePart, Query, Statement, TableFactor, Visit, Visitor};

use crate::place::place_at;

/// One relation as it is named in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRef {
    /// One to three parts: `[[catalog,] schema,] name`, folded as the engine folds them.
    pub parts: Vec<String>,
    /// Where the name starts.
    pub place: Option<Place>,
}

/// Every relation that the statement reads, in the order of the text, repeats included.
/// Names of common table expressions are left out where they are in scope; table functions always.
pub fn table_refs(statement: &Statement) -> Vec<TableRef> {
    let mut finder = Finder::default();
    let _ = statement.visit(&mut finder);
    finder.found
}

#[derive(Default)]
struct Finder {
    found: Vec<TableRef>,
    scopes: Vec<Scope>,
}

/// The common table expressions of one query. An expression's name is not in scope inside of itself (unless the
/// clause is recursive) nor in those before it, so names become visible one by one.
#[derive(Default)]
struct Scope {
    /// Identity (address) of each expression's query and its name.
    declared: Vec<(usize, String)>,
    visible: Vec<String>,
}

fn identity(query: &Query) -> usize {
    std::ptr::from_ref(query) as usize
}

pub(crate) fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

fn parts(name: &ObjectName) -> Option<Vec<String>> {
    name.0
        .iter()
        .map(|part| if let ObjectNamePart::Identifier(ident) = part { Some(folded(ident)) } else { None })
        .collect()
}

impl Visitor for Finder {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let mut scope = Scope::default();
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                let name = folded(&cte.alias.name);
                if with.recursive {
                    scope.visible.push(name.clone());
                }
                scope.declared.push((identity(&cte.query), name));
            }
        }
        self.scopes.push(scope);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        if let Some(parent) = self.scopes.last_mut() {
            let ended = parent.declared.iter().find(|(id, _)| *id == identity(query)).map(|(_, name)| name.clone());
            parent.visible.extend(ended);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, args: None, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let Some(parts) = parts(name) else {
            return ControlFlow::Continue(());
        };
        if let [single] = parts.as_slice()
            && self.scopes.iter().any(|scope| scope.visible.contains(single))
        {
            return ControlFlow::Continue(());
        }
        let place = name.0.first().and_then(ObjectNamePart::as_ident).and_then(|ident| {
            let start = ident.span.start;
            place_at(start.line, start.column)
        });
        self.found.push(TableRef { parts, place });
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::parse_one;

    fn names(sql: &str) -> Vec<String> {
        table_refs(&parse_one(sql).unwrap()).into_iter().map(|table| table.parts.join(".")).collect()
    }

    #[test]
    fn lists_relations_and_not_common_table_expressions() {
        assert_eq!(
            names("with a as (select * from S.T1), b as (select * from a) select * from b join \"Q\".x on true"),
            ["s.t1", "Q.x"]
        );
        assert_eq!(
            names("select * from t where a in (select b from u) and exists (select 1 from c.d.e)"),
            ["t", "u", "c.d.e"]
        );
        assert_eq!(names("select * from generate_series(1, 3)"), Vec::<String>::new());
    }

    #[test]
    fn an_expression_named_like_its_table_reads_the_table() {
        assert_eq!(names("with orders as (select * from orders) select * from orders"), ["orders"]);
        assert_eq!(
            names("with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select * from n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn scopes_end_with_their_query() {
        assert_eq!(names("select * from (with a as (select 1) select * from a) x join a on true"), ["a"]);
    }

    #[test]
    fn places_are_those_of_the_text() {
        let refs = table_refs(&parse_one("select *\nfrom  s.t").unwrap());
        assert_eq!(refs[0].place.as_ref().unwrap().to_string(), "sql:2:7");
    }
}
