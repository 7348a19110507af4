//! `merge into … using … on … when …`.
//!
//! One query joins the target with the source and says for each pair, and for each row of the source without a
//! partner, which clause applies and what the row becomes; a second one does the same for rows of the target without a
//! partner, where a clause asks for them. Of the clauses of a kind the first whose condition holds applies.

use std::ops::ControlFlow;

use millstream_core::{Error, Result};
use sqlparser::ast::{
    self, BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, MergeAction, MergeClauseKind,
    MergeInsertKind, ObjectNamePart, Query, Statement, TableFactor, TableWithJoins, VisitMut, VisitorMut,
};

use super::build::{bare, case, from, item, null, number, of_target, select};
use super::{Command, FILE, ROW, RelationName, name, refuse, update};

/// Column that numbers the clause that applies; null when none does.
const CLAUSE: &str = "__clause";

/// What a clause of a merge does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeDoes {
    /// The row gets new values.
    Update,
    /// The row goes.
    Delete,
    /// A row comes.
    Insert,
}

/// `merge`.
#[derive(Debug)]
pub struct Merge {
    /// The table.
    pub table: RelationName,
    target: TableFactor,
    source: TableFactor,
    on: Expr,
    clauses: Vec<Clause>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Matched,
    NotInTarget,
    NotInSource,
}

#[derive(Debug)]
struct Clause {
    when: When,
    condition: Option<Expr>,
    does: Does,
}

#[derive(Debug)]
enum Does {
    Update(Vec<(String, Expr)>),
    Delete,
    /// Columns (none: all, in order) and their values.
    Insert(Vec<String>, Vec<Expr>),
}

impl Merge {
    /// What each clause does, in the order in which [`Merge::rows`] numbers them.
    pub fn clauses(&self) -> impl Iterator<Item = MergeDoes> {
        self.clauses.iter().map(|clause| match clause.does {
            Does::Update(_) => MergeDoes::Update,
            Does::Delete => MergeDoes::Delete,
            Does::Insert(..) => MergeDoes::Insert,
        })
    }

    /// Every column that a clause names.
    pub fn named_columns(&self) -> impl Iterator<Item = &str> {
        self.clauses.iter().flat_map(|clause| match &clause.does {
            Does::Update(all) => all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            Does::Insert(columns, _) => columns.iter().map(String::as_str).collect(),
            Does::Delete => Vec::new(),
        })
    }

    /// Whether rows of the target without a partner are asked for: then [`Merge::unmatched`] must run too.
    pub fn has_not_in_source(&self) -> bool {
        self.clauses.iter().any(|clause| clause.when == When::NotInSource)
    }

    /// Gives [`FILE`] and [`ROW`] (null for rows of the source without a partner), the number of the clause that
    /// applies (null for none) and the row's values then.
    ///
    /// # Errors
    /// A user error when an `insert` has not as many values as columns.
    pub fn rows(&self, columns: &[String]) -> Result<Statement> {
        let has_inserts = self.clauses.iter().any(|clause| clause.when == When::NotInTarget);
        let on = JoinConstraint::On(self.on.clone());
        let join_operator = if has_inserts { JoinOperator::Right(on) } else { JoinOperator::Inner(on) };
        let mut both = from(self.target.clone());
        both.joins.push(Join { relation: self.source.clone(), global: false, join_operator });
        let is_pair = |when: When| match when {
            When::Matched => Some(Expr::IsNotNull(Box::new(bare(ROW)))),
            When::NotInTarget => Some(Expr::IsNull(Box::new(bare(ROW)))),
            When::NotInSource => None,
        };
        self.query(columns, both, is_pair)
    }

    /// As [`Merge::rows`] for every row of the target as if it had no partner; the caller keeps those that have none.
    ///
    /// # Errors
    /// As [`Merge::rows`].
    pub fn unmatched(&self, columns: &[String]) -> Result<Statement> {
        let always = |when: When| (when == When::NotInSource).then(|| Expr::value(ast::Value::Boolean(true)));
        self.query(columns, from(self.target.clone()), always)
    }

    fn query(
        &self,
        columns: &[String],
        tables: TableWithJoins,
        applies_to: impl Fn(When) -> Option<Expr>,
    ) -> Result<Statement> {
        let mut numbers = Vec::new();
        let mut values: Vec<Vec<(Expr, Expr)>> = vec![Vec::new(); columns.len()];
        for (at, clause) in self.clauses.iter().enumerate() {
            let Some(kind) = applies_to(clause.when) else { continue };
            let condition = match &clause.condition {
                Some(condition) => both(kind, condition.clone()),
                None => kind,
            };
            numbers.push((condition.clone(), number(at)));
            let row = self.values(clause, columns)?;
            for (all, value) in values.iter_mut().zip(row) {
                all.push((condition.clone(), value));
            }
        }
        let mut items = vec![item(bare(FILE), FILE), item(bare(ROW), ROW), item(case(numbers, null()), CLAUSE)];
        items.extend(values.into_iter().zip(columns).map(|(values, column)| item(case(values, null()), column)));
        select(items, vec![tables], None)
    }

    /// What the columns are after the clause.
    fn values(&self, clause: &Clause, columns: &[String]) -> Result<Vec<Expr>> {
        Ok(match &clause.does {
            Does::Delete => columns.iter().map(|_| null()).collect(),
            Does::Update(assignments) => columns
                .iter()
                .map(|column| {
                    let assigned = assignments.iter().find(|(name, _)| name == column);
                    assigned.map_or_else(|| of_target(&self.target, column), |(_, value)| value.clone())
                })
                .collect(),
            Does::Insert(named, values) => {
                let wanted = if named.is_empty() { columns } else { named };
                if wanted.len() != values.len() {
                    return Err(Error::user(format!(
                        "the 'insert' of a merge into '{}' has {} values for {} columns",
                        self.table,
                        values.len(),
                        wanted.len()
                    )));
                }
                let value = |column: &String| {
                    let at = wanted.iter().position(|name| name == column);
                    at.and_then(|at| values.get(at)).cloned().unwrap_or_else(null)
                };
                columns.iter().map(value).collect()
            }
        })
    }
}

fn both(left: Expr, right: Expr) -> Expr {
    let right = Box::new(Expr::Nested(Box::new(right)));
    Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right }
}

pub(super) fn merge(it: ast::Merge) -> Result<Command> {
    refuse("merge", &[(it.output.is_some(), "returning")])?;
    let mut clauses = it.clauses.into_iter().map(clause).collect::<Result<Vec<_>>>()?;
    for clause in clauses.iter_mut().filter(|clause| clause.when == When::NotInTarget) {
        see_source_only(clause, &it.source);
    }
    if clauses.is_empty() {
        return Err(Error::user("'merge' has no 'when'"));
    }
    Ok(Command::Merge(Box::new(Merge {
        table: name::of_factor("merge", &it.table)?,
        target: it.table,
        source: it.source,
        on: *it.on,
        clauses,
    })))
}

/// What is inserted sees the columns of the source only; in the joined query a bare name could mean the target's too.
fn see_source_only(clause: &mut Clause, source: &TableFactor) {
    let prefix: Vec<Ident> = match source {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            vec![alias.name.clone()]
        }
        TableFactor::Table { name, .. } => name.0.iter().filter_map(ObjectNamePart::as_ident).cloned().collect(),
        _ => return,
    };
    let mut qualifier = Qualifier { prefix, depth: 0 };
    if let Some(condition) = &mut clause.condition {
        let _ = condition.visit(&mut qualifier);
    }
    if let Does::Insert(_, values) = &mut clause.does {
        for value in values {
            let _ = value.visit(&mut qualifier);
        }
    }
}

/// Puts the source in front of bare names, those inside of subqueries apart.
struct Qualifier {
    prefix: Vec<Ident>,
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

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let (Expr::Identifier(name), 0) = (&*expr, self.depth) {
            *expr = match name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default") {
                // Columns have no defaults.
                true => null(),
                false => Expr::CompoundIdentifier(self.prefix.iter().cloned().chain([name.clone()]).collect()),
            };
        }
        ControlFlow::Continue(())
    }
}

fn clause(it: ast::MergeClause) -> Result<Clause> {
    let when = match it.clause_kind {
        MergeClauseKind::Matched => When::Matched,
        MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget => When::NotInTarget,
        MergeClauseKind::NotMatchedBySource => When::NotInSource,
    };
    let does = match it.action {
        MergeAction::Delete { .. } => Does::Delete,
        MergeAction::Update(it) => {
            let more = it.update_predicate.is_some() || it.delete_predicate.is_some();
            refuse("merge", &[(more, "where in update")])?;
            Does::Update(update::assignments("merge", it.assignments)?)
        }
        MergeAction::Insert(it) => {
            refuse("merge", &[(it.insert_predicate.is_some(), "where in insert")])?;
            let MergeInsertKind::Values(values) = it.kind else {
                return Err(Error::user("'insert row' of 'merge' cannot be carried out")
                    .hint("name the columns and values: insert (a, b) values (source.a, source.b)"));
            };
            let mut rows = values.rows.into_iter();
            let (Some(row), None) = (rows.next(), rows.next()) else {
                return Err(Error::user("'insert' of 'merge' takes one row of values"));
            };
            Does::Insert(it.columns.iter().map(name::column).collect::<Result<_>>()?, row.content)
        }
    };
    let fits = match when {
        When::NotInTarget => matches!(does, Does::Insert(..)),
        When::Matched | When::NotInSource => !matches!(does, Does::Insert(..)),
    };
    if !fits {
        return Err(Error::user("a clause of 'merge' does what it cannot do")
            .why("rows that are matched, or are missing in the source, are updated or deleted; others are inserted"));
    }
    Ok(Clause { when, condition: it.predicate, does })
}
