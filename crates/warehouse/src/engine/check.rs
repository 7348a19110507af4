//! Checking a query without running it: it is planned against what exists and what will exist, types included.
//!
//! Guarantees: a problem is certain (the query would fail for it); what depends on columns that nobody knows is not
//! judged. Several problems are told where that is cheap: behind an unknown name planning goes on as if it were
//! `null`. An error for which the engine has no place is narrowed down to the expression without which it goes away.
//!
//! Deliberately absent: errors that only values can cause (a text that is no number, a division by zero).

use datafusion::common::{SchemaError, TableReference};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use millstream_core::warehouse::{Checked, Dialect, Expectations, Expected, Problem, QueryOptions, RelationKind};
use millstream_core::{Error, Kind, Place, Result};
use millstream_sql::{Statement, TableRef};

use super::Engine;
use super::context::Scope;
use super::query::described;
use crate::catalog::Catalog;
use crate::error::told;
use crate::log::schema::storable_schema;
use crate::stage::check_names;

/// Problems of one query that are told.
const PROBLEMS_MAX: usize = 10;

/// Plans that are made at most to find the place of one error.
const NARROWING_PLANS_MAX: usize = 400;

/// Problems behind which planning goes on: what is not there does not change what the rest means.
const PASSABLE: [&str; 3] = ["unknown-column", "ambiguous-column", "unknown-function"];

impl Engine {
    /// What is known of a query before it runs.
    pub(crate) fn check(
        &self,
        catalog: &Catalog,
        sql: &str,
        built_as: Option<RelationKind>,
        expectations: &dyn Expectations,
        options: &QueryOptions,
    ) -> Result<Checked> {
        let scope = Scope::new(catalog, self.planning_state(), options)?.at(self.now()).expecting(expectations);
        let mut checked = Checked::default();
        let Some((statement, problems)) = read(&scope, sql, options.dialect, expectations, &mut checked)? else {
            return Ok(checked);
        };
        let planner = Planner { scope: &scope, dialect: options.dialect };
        let plan = match planner.plan(statement, problems) {
            Ok(plan) => plan,
            Err(_) if scope.unsure().is_some() => {
                checked.unsure = scope.unsure();
                return Ok(checked);
            }
            Err(problems) => {
                // The machine's troubles and our own are nobody's mistake in a query.
                if let Some(problem) = problems.iter().find(|problem| !is_of_user(&problem.error)) {
                    return Err(problem.error.clone());
                }
                checked.problems = problems;
                return Ok(checked);
            }
        };
        let schema = Self::schema_of(&described(plan)?);
        let schema = match built_as {
            Some(RelationKind::Table) => storable_schema(&schema),
            Some(RelationKind::View) => check_names(&schema).map(|()| schema),
            None => Ok(schema),
        };
        match schema {
            Ok(schema) => checked.schema = Some(schema),
            Err(error) => return single(checked, "bad-column", error),
        }
        Ok(checked)
    }
}

/// The statement as the engine takes it, with what was wrong on the way. `None` when there is nothing left to plan.
fn read(
    scope: &Scope<'_>,
    sql: &str,
    dialect: Dialect,
    expectations: &dyn Expectations,
    checked: &mut Checked,
) -> Result<Option<(Statement, Vec<Problem>)>> {
    let parsed = match dialect {
        Dialect::Native => scope.parse(sql),
        Dialect::Snowflake => millstream_sql::parse_one_in(dialect, sql)
            .and_then(|statement| millstream_sql::read_only(&statement).map(|_| statement)),
    };
    let (statement, problems) = match (parsed, dialect) {
        (Err(error), _) => {
            *checked = single(std::mem::take(checked), "bad-sql", error)?;
            return Ok(None);
        }
        (Ok(statement), Dialect::Native) => (statement, Vec::new()),
        (Ok(statement), Dialect::Snowflake) => match rewritten(scope, statement, expectations, checked)? {
            Some(done) => done,
            None => return Ok(None),
        },
    };
    resolve(scope, &statement, dialect, expectations, checked)?;
    let is_known = checked.unknown.is_empty() && checked.missing.is_empty() && checked.problems.is_empty();
    Ok(is_known.then_some((statement, problems)))
}

/// A statement in Snowflake's dialect as the engine takes it. What is wrong with a name of a function is passed, so
/// that the rest is judged too.
fn rewritten(
    scope: &Scope<'_>,
    mut statement: Statement,
    expectations: &dyn Expectations,
    checked: &mut Checked,
) -> Result<Option<(Statement, Vec<Problem>)>> {
    let mut problems: Vec<Problem> = Vec::new();
    loop {
        let error = match super::snowflake::rewrite(scope, statement.clone(), scope.default_schema()) {
            Ok(done) => return Ok(Some((done, problems))),
            Err(error) if is_of_user(&error) => error,
            Err(error) => return Err(error),
        };
        checked.unsure = scope.unsure();
        if checked.unsure.is_some() {
            return Ok(None);
        }
        // Columns of relations that nobody knows may be what the rewrite missed.
        let mut found = Checked::default();
        resolve(scope, &statement, Dialect::Snowflake, expectations, &mut found)?;
        if !found.unknown.is_empty() || !found.missing.is_empty() {
            checked.unsure = Some("not all that it reads is known".into());
            return Ok(None);
        }
        let code = code_of_rewrite(&error);
        let passed = PASSABLE.contains(&code)
            && error.place().is_some_and(|place| millstream_sql::blank_at(&mut statement, place));
        problems.push(Problem { code, error });
        if !passed || problems.len() >= PROBLEMS_MAX {
            checked.problems = problems;
            return Ok(None);
        }
    }
}

/// The stable short name of what a rewrite has to say.
fn code_of_rewrite(error: &Error) -> &'static str {
    if error.what().starts_with("there is no function") {
        "unknown-function"
    } else if error.what().ends_with("is not supported on the embedded warehouse") {
        "not-supported"
    } else {
        "bad-query"
    }
}

fn is_of_user(error: &Error) -> bool {
    matches!(error.kind(), Kind::User | Kind::Usage)
}

fn single(mut checked: Checked, code: &'static str, error: Error) -> Result<Checked> {
    if !is_of_user(&error) {
        return Err(error);
    }
    checked.problems.push(Problem { code, error });
    Ok(checked)
}

/// Looks up every relation that the statement reads.
fn resolve(
    scope: &Scope<'_>,
    statement: &Statement,
    dialect: Dialect,
    expectations: &dyn Expectations,
    checked: &mut Checked,
) -> Result<()> {
    for mut table in millstream_sql::table_refs(statement) {
        if dialect == Dialect::Snowflake {
            table.parts.iter_mut().for_each(|part| *part = millstream_sql::snowflake::fold_text(part));
            // The database says nothing here; before the rewrite it is still written.
            table.parts.drain(..table.parts.len().saturating_sub(2));
        }
        let Some(reference) = reference(&table) else { continue };
        if scope.is_described(&reference) {
            continue;
        }
        let placed = |error: Error| match &table.place {
            Some(place) => error.at(place.clone()),
            None => error,
        };
        let name = match scope.name_of(&reference, scope.default_schema()) {
            Ok(name) => name,
            Err(error) if is_of_user(&error) => {
                let problem = Problem { code: "unknown-table", error: placed(error) };
                checked.missing.push((table.parts.join("."), problem));
                continue;
            }
            Err(error) => return Err(error),
        };
        if checked.reads.contains(&name) {
            continue;
        }
        if matches!(expectations.expected(&name), Some(Expected::Unknown)) {
            checked.unknown.push(name.clone());
        } else if let Err(error) = scope.source(&reference, scope.default_schema(), dialect) {
            if !is_of_user(&error) {
                return Err(error);
            }
            checked.problems.push(Problem { code: "bad-relation", error: placed(error) });
        }
        checked.reads.push(name);
    }
    Ok(())
}

fn reference(table: &TableRef) -> Option<TableReference> {
    match table.parts.as_slice() {
        [name] => Some(TableReference::bare(name.as_str())),
        [schema, name] => Some(TableReference::partial(schema.as_str(), name.as_str())),
        [catalog, schema, name] => Some(TableReference::full(catalog.as_str(), schema.as_str(), name.as_str())),
        _ => None,
    }
}

struct Planner<'s, 'a> {
    scope: &'s Scope<'a>,
    dialect: Dialect,
}

impl Planner<'_, '_> {
    /// The plan, or everything that is wrong, what was found before among it.
    fn plan(&self, mut statement: Statement, mut problems: Vec<Problem>) -> Result<LogicalPlan, Vec<Problem>> {
        loop {
            let error = match self.attempt(&statement) {
                Ok(plan) if problems.is_empty() => return Ok(plan),
                Ok(_) => return Err(problems),
                Err(error) => error,
            };
            let is_first = problems.is_empty();
            let mut passed = false;
            for one in error.iter() {
                let mut problem = Problem { code: code_of(one), error: told(one) };
                let is_passable = PASSABLE.contains(&problem.code);
                // Behind something that was taken out, only errors about other names are surely errors.
                if !is_first && !is_passable {
                    continue;
                }
                if problem.error.place().is_none()
                    && let Some(place) = self.narrow(&statement, &problem.error)
                {
                    problem.error = problem.error.at(place);
                }
                let is_new = !problems.iter().any(|other| other.error.what() == problem.error.what());
                if is_passable && let Some(place) = problem.error.place() {
                    passed |= millstream_sql::blank_at(&mut statement, place);
                }
                if is_new {
                    problems.push(problem);
                }
            }
            if !passed || problems.len() >= PROBLEMS_MAX {
                problems.truncate(PROBLEMS_MAX);
                return Err(problems);
            }
        }
    }

    fn attempt(&self, statement: &Statement) -> Result<LogicalPlan, DataFusionError> {
        let default_schema = self.scope.default_schema();
        let plan = match self.dialect {
            Dialect::Native => self.scope.plan_statement(statement.clone(), default_schema)?,
            Dialect::Snowflake => super::snowflake::plan_rewritten(self.scope, statement.clone(), default_schema)?,
        };
        self.scope.analyzed(plan)
    }

    /// Where the innermost expression starts without which the error goes away.
    fn narrow(&self, statement: &Statement, error: &Error) -> Option<Place> {
        let all = millstream_sql::expressions(statement);
        let mut plans_left = NARROWING_PLANS_MAX;
        let mut within = 0..all.len();
        let mut found = None;
        loop {
            let mut at = within.start;
            let mut next = None;
            while at < within.end && plans_left > 0 {
                plans_left -= 1;
                let mut without = statement.clone();
                millstream_sql::blank_number(&mut without, at);
                let is_cause = match self.attempt(&without) {
                    Ok(_) => true,
                    Err(other) => {
                        let other = told(other.iter().next().unwrap_or(&other));
                        (other.what(), other.causes()) != (error.what(), error.causes())
                    }
                };
                if is_cause {
                    next = Some(at);
                    break;
                }
                at = all[at].end.max(at + 1);
            }
            let Some(cause) = next else { break };
            found = Some(cause);
            within = cause + 1..all[cause].end;
        }
        let cause = found?;
        all[cause..all[cause].end.max(cause + 1)].iter().find_map(|one| one.place.clone())
    }
}

/// The stable short name of an error in a query.
fn code_of(error: &DataFusionError) -> &'static str {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => code_of(inner),
        DataFusionError::Shared(inner) => code_of(inner),
        DataFusionError::Collection(all) => all.first().map_or("bad-query", code_of),
        DataFusionError::SchemaError(inner, _) => match inner.as_ref() {
            SchemaError::FieldNotFound { .. } => "unknown-column",
            SchemaError::AmbiguousReference { .. } => "ambiguous-column",
            _ => "bad-query",
        },
        DataFusionError::SQL(..) => "bad-sql",
        DataFusionError::NotImplemented(_) => "not-supported",
        DataFusionError::Plan(message) | DataFusionError::Internal(message) => code_of_message(message),
        other => code_of_message(&other.to_string()),
    }
}

fn code_of_message(message: &str) -> &'static str {
    let has = |part: &str| message.contains(part);
    if has("Invalid function") {
        "unknown-function"
    } else if has("GROUP BY") || has("Aggregate function calls") {
        "bad-group-by"
    } else if has("coerce") || has("No function matches") || has("Cannot infer common") || has("incompatible") {
        "type-error"
    } else {
        "bad-query"
    }
}
