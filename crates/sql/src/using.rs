//! Columns of `join … using (id)` in `where`, by their bare names.
//!
//! The engine knows whose column is meant in the other clauses, and calls it ambiguous in this one. In its place comes
//! what the standard says: the left side's value, of a right join the right side's, of a full join that which is there.
//! Where only the columns of the tables tell which of several tables on the left has it, the name stays.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, Query, Select, TableFactor, TableWithJoins, VisitMut, VisitorMut,
};

use crate::refs::folded;
use crate::rewrite::call;

/// Says in the select's `where` whose columns are meant.
pub(crate) fn qualify(select: &mut Select) {
    let Some(condition) = &mut select.selection else { return };
    let [from] = select.from.as_slice() else { return };
    let keys = keys_of(from);
    if !keys.is_empty() {
        let _ = condition.visit(&mut Qualifier { keys, depth: 0 });
    }
}

/// A column that joins name, and its value; `None` where only the tables' columns tell.
type Key = (String, Option<Expr>);

fn keys_of(from: &TableWithJoins) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    let first = name_of(&from.relation);
    for (before, join) in from.joins.iter().enumerate() {
        let right = name_of(&join.relation);
        let (columns, kind) = match &join.join_operator {
            JoinOperator::Join(JoinConstraint::Using(columns))
            | JoinOperator::Inner(JoinConstraint::Using(columns)) => (columns, Kind::Inner),
            JoinOperator::Left(JoinConstraint::Using(columns))
            | JoinOperator::LeftOuter(JoinConstraint::Using(columns)) => (columns, Kind::Left),
            JoinOperator::Right(JoinConstraint::Using(columns))
            | JoinOperator::RightOuter(JoinConstraint::Using(columns)) => (columns, Kind::Right),
            JoinOperator::FullOuter(JoinConstraint::Using(columns)) => (columns, Kind::Full),
            _ => continue,
        };
        for column in columns.iter().filter_map(|name| name.0.last()?.as_ident()) {
            let name = folded(column);
            let known = keys.iter().position(|(key, _)| *key == name);
            let left = match known {
                Some(known) => keys[known].1.clone(),
                // The only table on the left has it.
                None if before == 0 => first.as_ref().map(|table| member(table, column)),
                None => None,
            };
            let right = right.as_ref().map(|table| member(table, column));
            let value = match kind {
                Kind::Inner => left.or(right),
                Kind::Left => left,
                Kind::Right => right,
                Kind::Full => left.zip(right).map(|(left, right)| call("coalesce", [left, right])),
            };
            match known {
                Some(known) => keys[known].1 = value,
                None => keys.push((name, value)),
            }
        }
    }
    keys
}

#[derive(Clone, Copy)]
enum Kind {
    Inner,
    Left,
    Right,
    Full,
}

/// What a relation of the `from` is called.
fn name_of(factor: &TableFactor) -> Option<Ident> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.clone())
        }
        TableFactor::Table { name, alias: None, args: None, .. } => name.0.last()?.as_ident().cloned(),
        _ => None,
    }
}

fn member(table: &Ident, column: &Ident) -> Expr {
    Expr::CompoundIdentifier(vec![table.clone(), column.clone()])
}

struct Qualifier {
    keys: Vec<Key>,
    /// Queries around the expression, in which names have a meaning of their own first.
    depth: usize,
}

impl VisitorMut for Qualifier {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(ident) = expr
            && self.depth == 0
        {
            let name = folded(ident);
            if let Some((_, Some(value))) = self.keys.iter().find(|(key, _)| *key == name) {
                *expr = value.clone();
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::{for_engine, parse_one};

    fn condition(from: &str) -> String {
        let mut statement = parse_one(&format!("select * from {from}")).unwrap();
        for_engine(&mut statement);
        statement.to_string().split_once(" WHERE ").unwrap().1.to_owned()
    }

    #[test]
    fn the_value_of_a_join_is_meant() {
        assert_eq!(condition("s.a join b using (id) where ID > 1 and x = id"), "a.id > 1 AND x = a.id");
        assert_eq!(condition("a as l left join (select 1 as id) as r using (id) where id = 1"), "l.id = 1");
        assert_eq!(condition("a right join b using (id) where id = 1"), "b.id = 1");
        assert_eq!(condition("a full join b using (id) where id = 1"), "coalesce(a.id, b.id) = 1");
        assert_eq!(condition("a join b using (id) left join c using (id) where id = 1"), "a.id = 1");
        assert_eq!(condition("a join b using (id) join c using (k) where k = id"), "c.k = a.id");
    }

    #[test]
    fn what_is_not_known_stays() {
        assert_eq!(condition("a join b on a.x = b.x left join c using (k) where k = 1"), "k = 1");
        assert_eq!(condition("a join b using (id) where b.id = 1"), "b.id = 1");
        assert_eq!(condition("a join b using (id) where id in (select id from c)"), "a.id IN (SELECT id FROM c)");
    }
}
