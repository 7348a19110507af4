//! Relations of a `from` and how they are joined.

use millstream_core::Result;
use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart,
    ObjectNamePartFunction, Spanned, TableAlias, TableFactor, TableSampleKind, TableWithJoins, Value,
};

use super::build::{self, alias as alias_of, derived, item, query, select, text};
use super::fold::{fold, folded};
use super::problem::{unsupported, wrong};
use super::query::Columns;
use super::scope::{Scope, Source};
use super::{Rewriter, by_name};

/// Schema of `database..table`.
const DEFAULT_SCHEMA: &str = "public";

impl Rewriter<'_> {
    /// Rewrites the relations of a `select`.
    pub(super) fn from(&mut self, from: &mut [TableWithJoins]) -> Result<Scope> {
        let mut scope = Scope::default();
        for tables in from {
            self.joined(tables, &mut scope)?;
        }
        Ok(scope)
    }

    fn joined(&mut self, tables: &mut TableWithJoins, scope: &mut Scope) -> Result<()> {
        self.factor(&mut tables.relation, scope)?;
        for join in &mut tables.joins {
            self.join(join, scope)?;
        }
        Ok(())
    }

    fn join(&mut self, join: &mut Join, scope: &mut Scope) -> Result<()> {
        let before = scope.sources.len();
        self.factor(&mut join.relation, scope)?;
        if let JoinOperator::AsOf { .. } = join.join_operator {
            return self.asof(join, scope, before);
        }
        let keeps_right = by_name::keeps_right(&join.join_operator);
        let span = join.relation.span();
        // A lateral relation belongs to each row anyway, so its join needs no condition.
        if matches!(join.relation, TableFactor::Function { lateral: true, .. })
            && let JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) = &mut join.join_operator
            && (matches!(constraint, JoinConstraint::None) || is_one_is_one(constraint))
        {
            *constraint = JoinConstraint::On(build::boolean(true));
        }
        let constraint = match &mut join.join_operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)
            | JoinOperator::CrossJoin(constraint) => constraint,
            _ => {
                return Err(unsupported("this kind of join", span, "use an inner, outer or cross join"));
            }
        };
        self.constraint(constraint, scope, before)?;
        by_name::written_out(constraint, scope, before, keeps_right, span)
    }

    /// The condition of a join whose right side starts at the source with this number.
    pub(super) fn constraint(
        &mut self,
        constraint: &mut JoinConstraint,
        scope: &mut Scope,
        right: usize,
    ) -> Result<()> {
        match constraint {
            JoinConstraint::On(condition) => self.expr(condition, scope),
            JoinConstraint::Using(names) => {
                let mut merged = Vec::new();
                for name in names {
                    for part in &mut name.0 {
                        if let ObjectNamePart::Identifier(ident) = part {
                            fold(ident);
                            merged.push(ident.value.clone());
                        }
                    }
                }
                merge(scope, right, &merged);
                Ok(())
            }
            JoinConstraint::Natural => {
                let (left, new) = scope.sources.split_at(right);
                let common: Vec<String> = new
                    .iter()
                    .flat_map(|source| source.columns.iter().flatten())
                    .filter(|column| left.iter().any(|source| source.has(column)))
                    .cloned()
                    .collect();
                merge(scope, right, &common);
                Ok(())
            }
            JoinConstraint::None => Ok(()),
        }
    }

    /// Rewrites a relation and adds what it brings to the scope.
    pub(super) fn factor(&mut self, factor: &mut TableFactor, scope: &mut Scope) -> Result<()> {
        let span = factor.span();
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                if version.is_some() {
                    return Err(unsupported("time travel in SQL ('at', 'before')", span, "give --as-of to 'query'"));
                }
                let is_plain = with_hints.is_empty()
                    && !*with_ordinality
                    && partitions.is_empty()
                    && json_path.is_none()
                    && index_hints.is_empty();
                if !is_plain {
                    return Err(unsupported("this form of a table's name", span, "write [database.][schema.]table"));
                }
                if args.is_some() {
                    return Err(unsupported(
                        format!("the table function {name} without 'table'"),
                        span,
                        "write 'table(…)' around it",
                    ));
                }
                let sample = sample.take();
                let source = self.table(name, alias)?;
                match source {
                    Some(source) => self.sampled(factor, source, sample, scope),
                    None => {
                        *factor = dual(factor);
                        scope.sources.push(Source::new("dual", Some(vec!["dummy".into()])));
                        Ok(())
                    }
                }
            }
            TableFactor::Derived { subquery, alias, sample, .. } => {
                let sample = sample.take();
                let columns = self.query(subquery)?;
                // Without a name the engine takes its columns for aliases of the select list in 'having' and 'qualify',
                // and shows the relations within it to the outside.
                if alias.is_none() {
                    *alias = Some(alias_of(&self.make_up("from")));
                }
                let source = aliased(alias, None, columns);
                self.sampled(factor, source, sample, scope)
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let mut inner = Scope::default();
                self.joined(table_with_joins, &mut inner)?;
                match alias {
                    None => {
                        scope.sources.append(&mut inner.sources);
                        scope.joined.append(&mut inner.joined);
                        scope.sequence = scope.sequence.take().or(inner.sequence);
                    }
                    Some(_) => {
                        let columns =
                            inner.sources.into_iter().map(|source| source.columns).collect::<Option<Vec<_>>>();
                        let source = aliased(alias, None, columns.map(|columns| columns.concat()));
                        scope.sources.push(source);
                    }
                }
                Ok(())
            }
            TableFactor::TableFunction { expr: Expr::Function(function), alias } => {
                let args = match std::mem::replace(&mut function.args, sqlparser::ast::FunctionArguments::None) {
                    sqlparser::ast::FunctionArguments::List(list) => list.args,
                    _ => Vec::new(),
                };
                let name = function.name.to_string().to_lowercase();
                let alias = alias.take();
                *factor = self.table_function(&name, args, alias, span, scope)?;
                Ok(())
            }
            TableFactor::Function { name, args, with_ordinality: false, alias, .. } => {
                let name = name.to_string().to_lowercase();
                let (args, alias) = (std::mem::take(args), alias.take());
                *factor = self.table_function(&name, args, alias, span, scope)?;
                Ok(())
            }
            TableFactor::Pivot { .. } => self.pivot(factor, scope),
            TableFactor::Unpivot { .. } => self.unpivot(factor, scope),
            TableFactor::MatchRecognize { .. } => Err(unsupported("'match_recognize'", span, "use window functions")),
            TableFactor::SemanticView { .. } => Err(unsupported("'semantic_view'", span, "select from the tables")),
            TableFactor::TableFunction { .. } | TableFactor::Function { .. } => {
                Err(unsupported("this table function", span, "use generator, flatten or split_to_table"))
            }
            TableFactor::UNNEST { .. } => Err(unsupported("'unnest'", span, "write 'lateral flatten(input => …)'")),
            _ => Err(unsupported("this kind of relation", span, "use a table, a view or a subquery")),
        }
    }

    /// A relation that is only wanted as the input of something: its one source.
    pub(super) fn input(&mut self, factor: &mut TableFactor) -> Result<Source> {
        let mut scope = Scope::default();
        self.factor(factor, &mut scope)?;
        Ok(scope.sources.pop().unwrap_or_default())
    }

    /// Folds a table's name and takes the database off. `None` for `dual`.
    fn table(&mut self, name: &mut ObjectName, alias: &mut Option<TableAlias>) -> Result<Option<Source>> {
        let parts = relation_parts(name)?;
        let columns = match parts.as_slice() {
            [one] => match self.ctes.iter().rev().find(|known| known.name == *one) {
                Some(known) => known.columns.clone(),
                None => self.schemas.columns(&parts),
            },
            _ => self.schemas.columns(&parts),
        };
        if columns.is_none() && parts == ["dual"] {
            return Ok(None);
        }
        let own = parts.last().map(String::as_str);
        Ok(Some(aliased(alias, own, columns)))
    }

    fn sampled(
        &mut self,
        factor: &mut TableFactor,
        source: Source,
        sample: Option<TableSampleKind>,
        scope: &mut Scope,
    ) -> Result<()> {
        if let Some(TableSampleKind::AfterTableAlias(sample) | TableSampleKind::BeforeTableAlias(sample)) = sample {
            self.sample(factor, &source, &sample)?;
        }
        scope.sources.push(source);
        Ok(())
    }
}

/// `on 1 = 1`, as many write a join without a condition.
fn is_one_is_one(constraint: &JoinConstraint) -> bool {
    let JoinConstraint::On(condition) = constraint else { return false };
    let mut condition = condition;
    while let Expr::Nested(inner) = condition {
        condition = inner;
    }
    match condition {
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            matches!((left.as_ref(), right.as_ref()), (Expr::Value(left), Expr::Value(right))
                if left.value == right.value && matches!(left.value, Value::Number(..)))
        }
        _ => false,
    }
}

/// Marks columns of the sources from `right` on as joined with those to the left.
fn merge(scope: &mut Scope, right: usize, columns: &[String]) {
    for source in scope.sources.iter_mut().skip(right) {
        source.merged.extend(columns.iter().cloned());
    }
}

/// What an alias (or the relation's own name) makes of columns; folds the alias.
pub(super) fn aliased(alias: &mut Option<TableAlias>, own: Option<&str>, columns: Columns) -> Source {
    let Some(alias) = alias else {
        return Source { name: own.map(str::to_owned), columns, ..Source::default() };
    };
    fold(&mut alias.name);
    let mut columns = columns;
    for (position, column) in alias.columns.iter_mut().enumerate() {
        fold(&mut column.name);
        if let Some(slot) = columns.as_mut().and_then(|columns| columns.get_mut(position)) {
            *slot = column.name.value.clone();
        }
    }
    Source { name: Some(alias.name.value.clone()), columns, ..Source::default() }
}

/// The parts of a relation's name without the database, folded in place.
pub(super) fn relation_parts(name: &mut ObjectName) -> Result<Vec<String>> {
    let span = name.span();
    let mut idents: Vec<Ident> = Vec::new();
    for part in &name.0 {
        match part {
            ObjectNamePart::Identifier(ident) => idents.push(ident.clone()),
            ObjectNamePart::Function(function) => idents.extend(identifier(function)?),
        }
    }
    idents.iter_mut().for_each(fold);
    if idents.len() == 3 {
        idents.remove(0);
        if idents[0].value.is_empty() {
            idents[0].value = DEFAULT_SCHEMA.into();
        }
    }
    if idents.is_empty() || idents.len() > 2 {
        return Err(wrong(format!("'{name}' is not the name of a table"), span, "write [database.][schema.]table"));
    }
    let parts = idents.iter().map(|ident| ident.value.clone()).collect();
    *name = ObjectName(idents.into_iter().map(ObjectNamePart::Identifier).collect());
    Ok(parts)
}

/// `identifier('db.schema.name')`.
fn identifier(function: &ObjectNamePartFunction) -> Result<Vec<Ident>> {
    let span = function.name.span;
    let refused =
        || unsupported("this argument of identifier()", span, "write the name as a text: identifier('schema.name')");
    if !function.name.value.eq_ignore_ascii_case("identifier") {
        return Err(unsupported(format!("{}() as a name", function.name), span, "write the name"));
    }
    let [sqlparser::ast::FunctionArg::Unnamed(sqlparser::ast::FunctionArgExpr::Expr(Expr::Value(value)))] =
        function.args.as_slice()
    else {
        return Err(refused());
    };
    let Value::SingleQuotedString(text) = &value.value else { return Err(refused()) };
    let mut idents = split_name(text).ok_or_else(refused)?;
    idents.iter_mut().for_each(|ident| ident.span = span);
    Ok(idents)
}

/// The identifiers of a dotted name.
pub(super) fn split_name(text: &str) -> Option<Vec<Ident>> {
    let mut idents = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        let mut value = String::new();
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next()? {
                    '"' if chars.next_if_eq(&'"').is_some() => value.push('"'),
                    '"' => break,
                    other => value.push(other),
                }
            }
            idents.push(Ident::with_quote('"', value));
        } else {
            while let Some(next) = chars.next_if(|next| *next != '.') {
                value.push(next);
            }
            if value.is_empty() || value.contains(|c: char| !c.is_alphanumeric() && c != '_' && c != '$') {
                return None;
            }
            idents.push(Ident::new(value));
        }
        match chars.next() {
            None => return Some(idents),
            Some('.') => {}
            Some(_) => return None,
        }
    }
}

/// `from dual`: one row.
fn dual(factor: &TableFactor) -> TableFactor {
    let alias = match factor {
        TableFactor::Table { alias: Some(alias), .. } => folded(&alias.name),
        _ => "dual".to_owned(),
    };
    derived(query(select(vec![item(text("X"), "dummy")], Vec::new())), Some(alias_of(&alias)))
}

/// `select * from factor`.
pub(super) fn all_of(factor: TableFactor) -> sqlparser::ast::Select {
    select(vec![sqlparser::ast::SelectItem::Wildcard(Default::default())], vec![build::from(factor)])
}
