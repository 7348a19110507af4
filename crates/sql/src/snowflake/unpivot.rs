//! `unpivot`: columns become rows. Each row is joined with the names of the columns, and a `case` picks the value.
//!
//! Source: docs.snowflake.com, "UNPIVOT".

use millstream_core::Result;
use sqlparser::ast::{
    Expr, Join, JoinConstraint, JoinOperator, NullInclusion, Parens, SelectItem, SetExpr, Spanned, TableAliasColumnDef,
    TableFactor, TableWithJoins, Value, Values,
};

use super::Rewriter;
use super::build::{
    self, alias as alias_of, body_query, case, column, column_of, derived, item, query, quoted, select, text,
};
use super::fold::{as_value, folded};
use super::from::{aliased, all_of};
use super::problem::{did_you_mean, wrong};
use super::scope::Scope;

impl Rewriter<'_> {
    pub(super) fn unpivot(&mut self, factor: &mut TableFactor, scope: &mut Scope) -> Result<()> {
        let span = factor.span();
        let placeholder = TableFactor::TableFunction { expr: build::null(), alias: None };
        let TableFactor::Unpivot { mut table, value, name, columns, null_inclusion, mut alias } =
            std::mem::replace(factor, placeholder)
        else {
            return Ok(());
        };
        let input = self.input(&mut table)?;
        let Some(known) = input.columns else {
            return Err(wrong("the columns of the unpivoted relation are not known", span, "check that it exists"));
        };
        let Expr::Identifier(value) = value else {
            return Err(wrong(
                "unpivot names one column for the values",
                value.span(),
                "write unpivot(value for name in (a, b))",
            ));
        };
        let (value, name) = (folded(&value), folded(&name));
        let mut taken: Vec<(String, String)> = Vec::new();
        for listed in columns {
            let Expr::Identifier(ident) = &listed.expr else {
                return Err(wrong("unpivot lists columns", listed.expr.span(), "write in (a, b as 'label')"));
            };
            let own = folded(ident);
            if !known.contains(&own) {
                let hint = did_you_mean(&own, known.iter().map(String::as_str), "name a column of the relation");
                return Err(wrong(format!("there is no column '{own}' to unpivot"), ident.span, hint));
            }
            let label = match listed.alias {
                // A label in single quotes is a text, a bare one a name.
                Some(label) if label.quote_style == Some('\'') => label.value,
                Some(label) => as_value(&folded(&label)),
                None => as_value(&own),
            };
            taken.push((own, label));
        }
        let rest: Vec<&String> = known.iter().filter(|column| !taken.iter().any(|(own, _)| own == *column)).collect();
        let labels = self.make_up("labels");
        let label = column_of(&labels, &name);
        let mut items: Vec<SelectItem> = rest.iter().map(|own| SelectItem::UnnamedExpr(column(own))).collect();
        items.push(item(label.clone(), &name));
        let arms = taken.iter().map(|(own, label)| (text(label.clone()), column(own))).collect();
        items.push(item(case(Some(label), arms), &value));
        let mut tables: TableWithJoins = build::from(*table);
        tables.joins.push(Join {
            relation: labels_of(&taken, &labels, &name),
            global: false,
            join_operator: JoinOperator::CrossJoin(JoinConstraint::None),
        });
        let mut rows = query(select(items, vec![tables]));
        if null_inclusion != Some(NullInclusion::IncludeNulls) {
            let mut there = all_of(derived(rows, Some(alias_of("unpivoted"))));
            there.selection = Some(Expr::IsNotNull(Box::new(column(&value))));
            rows = query(there);
        }
        let mut names: Vec<String> = rest.into_iter().cloned().collect();
        names.extend([name, value]);
        let source = aliased(&mut alias, Some("unpivot"), Some(names));
        *factor = derived(rows, alias.or_else(|| source.name.as_deref().map(alias_of)));
        scope.sources.push(source);
        Ok(())
    }
}

/// `(values ('A'), ('B')) as labels(name)`.
fn labels_of(taken: &[(String, String)], relation: &str, name: &str) -> TableFactor {
    let rows = taken
        .iter()
        .map(|(_, label)| Parens::with_empty_span(vec![Expr::value(Value::SingleQuotedString(label.clone()))]));
    let values = SetExpr::Values(Values { explicit_row: false, value_keyword: false, rows: rows.collect() });
    let mut alias = alias_of(relation);
    alias.columns.push(TableAliasColumnDef { name: quoted(name), data_type: None });
    derived(body_query(values), Some(alias))
}
