//! `select orders.* from staging.orders`: a relation is called by the last part of its name.
//!
//! The engine takes that for a column of the relation and wants the whole name before a `*`. It is written out where one
//! relation of the `from` is meant; where several could be, or an alias is of that name, the text stays as it is.

use sqlparser::ast::{
    Ident, ObjectName, Select, SelectItem, SelectItemQualifiedWildcardKind, TableFactor, TableWithJoins,
};

use crate::refs::folded;

/// Writes the whole names of relations before their `*`.
pub(crate) fn qualify(select: &mut Select) {
    let mut relations = Vec::new();
    for from in &select.from {
        collect(from, &mut relations);
    }
    for item in &mut select.projection {
        if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item
            && let Some(whole) = meant(name, &relations)
        {
            *name = whole;
        }
    }
}

/// What a relation can be called.
enum Called<'a> {
    /// Its alias, and nothing else.
    Alias(&'a Ident),
    /// Any end of its name.
    Name(&'a ObjectName),
}

fn collect<'a>(from: &'a TableWithJoins, into: &mut Vec<Called<'a>>) {
    for factor in std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)) {
        match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => collect(table_with_joins, into),
            TableFactor::Table { name, alias: None, args: None, .. } => into.push(Called::Name(name)),
            TableFactor::Table { alias: Some(alias), .. }
            | TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::TableFunction { alias: Some(alias), .. }
            | TableFactor::Function { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. }
            | TableFactor::NestedJoin { alias: Some(alias), .. } => into.push(Called::Alias(&alias.name)),
            _ => {}
        }
    }
}

/// The whole name of the one relation that is called so, if that is longer.
fn meant(name: &ObjectName, relations: &[Called<'_>]) -> Option<ObjectName> {
    let wanted = parts(name)?;
    let mut found = relations.iter().filter(|called| match called {
        Called::Alias(alias) => wanted == [folded(alias)],
        Called::Name(name) => parts(name).is_some_and(|parts| parts.ends_with(&wanted)),
    });
    match (found.next(), found.next()) {
        (Some(Called::Name(whole)), None) if whole.0.len() > name.0.len() => Some((*whole).clone()),
        _ => None,
    }
}

fn parts(name: &ObjectName) -> Option<Vec<String>> {
    name.0.iter().map(|part| part.as_ident().map(folded)).collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::rewritten;

    #[test]
    fn the_whole_name_is_written() {
        assert_eq!(rewritten("select O.*, 1 from s.o"), "SELECT s.o.*, 1 FROM s.o");
        assert_eq!(
            rewritten("select a.*, b.* from s.a join t.\"b\" on true"),
            "SELECT s.a.*, t.\"b\".* FROM s.a JOIN t.\"b\" ON true"
        );
        assert_eq!(rewritten("select s.a.* from c.s.a"), "SELECT c.s.a.* FROM c.s.a");
        assert_eq!(rewritten("select x from (select a.* from s.a) as a"), "SELECT x FROM (SELECT s.a.* FROM s.a) AS a");
    }

    #[test]
    fn what_is_said_already_or_could_mean_several_stays() {
        for sql in [
            "SELECT a.* FROM a",
            "SELECT a.* FROM s.b AS a",
            "SELECT b.* FROM s.b AS a",
            "SELECT a.* FROM s.a CROSS JOIN t.a",
            "SELECT a.* FROM s.a CROSS JOIN t.b AS a",
            "SELECT s.a.* FROM s.a",
            "SELECT A.* FROM s.\"A\"",
        ] {
            assert_eq!(rewritten(sql), sql);
        }
    }
}
