//! `from t cross join unnest(f(t.a)) as m`: each row with the elements of its own list.
//!
//! The engine unnests in a select list and not beside a relation whose columns the list reads. The relation and the call
//! become one derived table of the relation's name, with the elements as its last column; what the query says of `m`
//! means that column. Only a list of the relation that stands right in front of the call is taken; others stay as they
//! are, and the engine refuses them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, JoinOperator, ObjectName, ObjectNamePart, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Statement, TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::refs::folded;
use crate::rewrite::call;

/// Puts such calls into the relations in front of them.
pub(crate) fn unnest_beside(select: &mut Select) {
    for table in 0..select.from.len() {
        let Some(made) = derived(select, table) else { continue };
        let Some(from) = select.from.get_mut(table) else { continue };
        from.relation = made.relation;
        from.joins.remove(0);
        exclude(select, &made.names);
        let _ = select.visit(&mut made.names.clone());
    }
}

struct Derived {
    relation: TableFactor,
    names: Names,
}

/// What the relation, the call and its column are called.
#[derive(Clone)]
struct Names {
    relation: Ident,
    call: Ident,
    column: Ident,
}

fn derived(select: &Select, table: usize) -> Option<Derived> {
    let table = select.from.get(table)?;
    let join = table.joins.first().filter(|join| matches!(join.join_operator, JoinOperator::CrossJoin(_)))?;
    let TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_ordinality: false, .. } = &join.relation
    else {
        return None;
    };
    let [list] = array_exprs.as_slice() else { return None };
    if !reads_columns(list) {
        return None;
    }
    let relation = match &table.relation {
        TableFactor::Table { alias: Some(alias), args: None, .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            alias.name.clone()
        }
        TableFactor::Table { name, alias: None, args: None, .. } => name.0.last()?.as_ident()?.clone(),
        _ => return None,
    };
    let (name, column) = match alias {
        None => (Ident::new("unnest"), Ident::new("unnest")),
        Some(alias) => match alias.columns.as_slice() {
            [] => (alias.name.clone(), alias.name.clone()),
            [column] => (alias.name.clone(), column.name.clone()),
            _ => return None,
        },
    };
    // The user's own parts are put into the tree, so that they keep their places.
    let text = format!("select * from (select {relation}.*, null as {column} from {relation}) as {relation}");
    let Ok(Statement::Query(query)) = crate::parse_one(&text) else { return None };
    let query = *query;
    let SetExpr::Select(outer) = *query.body else { return None };
    let mut made = outer.from.into_iter().next()?.relation;
    let TableFactor::Derived { subquery, .. } = &mut made else { return None };
    let SetExpr::Select(inner) = subquery.body.as_mut() else { return None };
    inner.from.first_mut()?.relation = table.relation.clone();
    if let Some(SelectItem::ExprWithAlias { expr, .. }) = inner.projection.get_mut(1) {
        *expr = call("unnest", [list.clone()]);
    }
    Some(Derived { relation: made, names: Names { relation, call: name, column } })
}

fn reads_columns(list: &Expr) -> bool {
    struct Look(bool);
    impl Visitor for Look {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            self.0 |= matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
            ControlFlow::Continue(())
        }
    }
    let mut look = Look(false);
    let _ = list.visit(&mut look);
    look.0
}

/// `t.*` has no column of the call.
fn exclude(select: &mut Select, names: &Names) {
    for item in &mut select.projection {
        let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) = item else {
            continue;
        };
        let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else { continue };
        let is_it = folded(ident) == folded(&names.relation);
        if is_it && options.opt_exclude.is_none() && options.opt_except.is_none() {
            options.opt_exclude = Some(ExcludeSelectItem::Single(ObjectName::from(vec![names.column.clone()])));
        }
    }
}

/// `m.x` is `t.x`.
impl VisitorMut for Names {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(idents) = expr
            && let [first, last] = idents.as_mut_slice()
            && folded(first) == folded(&self.call)
            && folded(last) == folded(&self.column)
        {
            *first = self.relation.clone();
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::rewritten;

    #[test]
    fn a_list_of_the_relation_in_front_goes_into_it() {
        assert_eq!(
            rewritten("select c.id, m as part from contacts as c cross join unnest(string_to_array(ids, ';')) as m"),
            "SELECT c.id, m AS part FROM (SELECT c.*, unnest(string_to_array(ids, ';')) AS m FROM contacts AS c) AS c"
        );
        assert_eq!(
            rewritten("select t.*, u.x from s.t cross join unnest(t.a) as u(x) join b on b.x = u.x where u.x > 1"),
            "SELECT t.* EXCLUDE x, t.x FROM (SELECT s.t.*, unnest(t.a) AS x FROM s.t) AS t \
             JOIN b ON b.x = t.x WHERE t.x > 1"
        );
    }

    #[test]
    fn other_joins_stay() {
        for sql in [
            "SELECT a, m FROM t CROSS JOIN UNNEST(ARRAY[1, 2]) AS m (m)",
            "SELECT a FROM t JOIN u ON t.a = u.a CROSS JOIN UNNEST(t.a) AS m",
        ] {
            assert_eq!(rewritten(sql), sql);
        }
    }
}
