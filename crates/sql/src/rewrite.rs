//! Rewrites of the tree between what users mean and what the engine plans.

use std::ops::ControlFlow;

use millstream_core::{Error, Result};
use sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, Ident, LimitClause, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, Statement,
    TimezoneInfo, TypedString, Value, VisitMut, VisitorMut,
};

/// Adapts a statement to the engine: a bare `timestamp` (with or without time zone) means microseconds, because that
/// is what tables store; the engine would take nanoseconds, which do not reach beyond the year 2262. `at time zone` is a
/// call of `timezone`, which has PostgreSQL's meaning. `json` and `uuid` are text, as which they are stored. `listagg` is the engine's
/// `string_agg`, and a bare part of a date in `datediff` and its kin a text. Equal unnamed columns of a select list are
/// told apart, because the engine refuses them, the columns of table functions are called as the query calls them, and
/// before a `*` stands the whole name of its relation.
pub fn for_engine(statement: &mut Statement) {
    let _ = statement.visit(&mut Rewriter);
}

/// A condition on the columns of a table, adapted as [`for_engine`] does, as text again.
///
/// # Errors
/// A user error when the text is not one expression.
pub fn condition_for_engine(condition: &str) -> Result<String> {
    let refused = || Error::user(format!("'{condition}' is not a condition"));
    let mut statement =
        crate::parse_one(&format!("select {condition}")).map_err(|error| refused().why(error.what()))?;
    for_engine(&mut statement);
    let Statement::Query(query) = &statement else { return Err(refused()) };
    let SetExpr::Select(select) = query.body.as_ref() else { return Err(refused()) };
    match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(expression)] if select.from.is_empty() && select.selection.is_none() => {
            Ok(expression.to_string())
        }
        _ => Err(refused()),
    }
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        fetch_is_limit(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        crate::names::tell_apart(select);
        crate::lateral::unnest_beside(select);
        crate::series::name_columns(select);
        crate::using::qualify(select);
        crate::wildcard::qualify(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        crate::row_value::unwrap(expr);
        crate::duckdb::adapt(expr);
        match expr {
            Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. }) => precise(data_type),
            Expr::Convert { data_type: Some(data_type), .. } => precise(data_type),
            Expr::AtTimeZone { timestamp, time_zone } => {
                *expr = call("timezone", [time_zone.as_ref().clone(), timestamp.as_ref().clone()]);
            }
            Expr::Function(function) => adapt(function),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    // After what is inside, so that the call inside of the cast is not met again.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if is_now(expr) {
            let now = std::mem::replace(expr, Expr::value(Value::Null));
            *expr = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(now),
                data_type: DataType::Timestamp(Some(6), TimezoneInfo::Tz),
                array: false,
                format: None,
            };
        }
        ControlFlow::Continue(())
    }
}

/// Whether it is a call that gives the present. The engine's has nanoseconds, and what is compared with it would have to
/// have them too, which `9999-12-31` cannot.
fn is_now(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else { return false };
    let is_bare = match &function.args {
        FunctionArguments::None => true,
        FunctionArguments::List(list) => list.args.is_empty(),
        FunctionArguments::Subquery(_) => false,
    };
    is_bare && ["now", "current_timestamp"].iter().any(|known| name.value.eq_ignore_ascii_case(known))
}

/// `fetch first 3 rows only` is `limit 3`.
fn fetch_is_limit(query: &mut Query) {
    let Some(fetch) = query.fetch.as_ref().filter(|fetch| !fetch.with_ties && !fetch.percent) else { return };
    let count = fetch.quantity.clone().unwrap_or_else(|| Expr::value(Value::Number("1".into(), false)));
    let offset = match &query.limit_clause {
        None => None,
        Some(LimitClause::LimitOffset { limit: None, offset, limit_by }) if limit_by.is_empty() => offset.clone(),
        Some(_) => return,
    };
    query.limit_clause = Some(LimitClause::LimitOffset { limit: Some(count), offset, limit_by: Vec::new() });
    query.fetch = None;
}

/// Functions that other warehouses know by another name, or with words that are no expressions.
fn adapt(function: &mut Function) {
    let [ObjectNamePart::Identifier(name)] = function.name.0.as_mut_slice() else { return };
    let FunctionArguments::List(list) = &mut function.args else { return };
    match name.value.to_lowercase().as_str() {
        "datediff" | "date_diff" | "dateadd" => {
            if let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(part))) = list.args.first_mut()
                && let Expr::Identifier(word) = part
                && let Some(known) = crate::snowflake::date_part(&word.value)
            {
                *part = text(known);
            }
        }
        // DuckDB's question whether a text matches; PostgreSQL's rows of matches stand in a subquery.
        "regexp_matches" | "regexp_match" => {
            if name.value.eq_ignore_ascii_case("regexp_matches") {
                name.value = "regexp_like".into();
            }
            // The engine minds upper and lower case without being told, and takes no empty flags.
            if let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(flags)))) = list.args.get_mut(2)
                && let Value::SingleQuotedString(flags) = &mut flags.value
            {
                flags.retain(|flag| flag != 'c');
                if flags.is_empty() {
                    list.args.truncate(2);
                }
            }
        }
        "to_date" | "to_timestamp" => {
            if let [_, FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(pattern)))] = list.args.as_mut_slice()
                && let Value::SingleQuotedString(pattern) = &mut pattern.value
                && let Some(engines) = crate::time_pattern::for_engine(pattern)
            {
                *pattern = engines;
            }
        }
        "strftime" => {
            name.value = "to_char".into();
            // DuckDB takes the format in either place.
            if let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(first))), _] = list.args.as_slice()
                && matches!(first.value, Value::SingleQuotedString(_))
            {
                list.args.swap(0, 1);
            }
        }
        "listagg" => {
            name.value = "string_agg".into();
            if list.args.len() == 1 {
                list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(text(""))));
            }
            let order = std::mem::take(&mut function.within_group);
            if !order.is_empty() {
                list.clauses.push(FunctionArgumentClause::OrderBy(order));
            }
        }
        _ => {}
    }
}

/// A text.
pub(crate) fn text(value: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(value.into()))
}

/// A call of a function.
pub(crate) fn call<const N: usize>(name: &str, args: [Expr; N]) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn precise(data_type: &mut DataType) {
    match data_type {
        DataType::Timestamp(precision @ None, _) => *precision = Some(6),
        DataType::JSON | DataType::JSONB | DataType::Uuid => *data_type = DataType::Text,
        // `datetime` is the same thing without a zone in the dialects that have it.
        DataType::Datetime(None) => *data_type = DataType::Timestamp(Some(6), TimezoneInfo::None),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::rewritten;

    #[test]
    fn conditions_are_one_expression() {
        assert_eq!(condition_for_engine("cast(a as timestamp) > b").unwrap(), "CAST(a AS TIMESTAMP(6)) > b");
        for wrong in ["", "a, b", "a from t", "1; drop table t", "a = 1 where b"] {
            assert!(condition_for_engine(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn functions_of_other_warehouses_are_the_engines() {
        assert_eq!(
            rewritten("select listagg(a), ListAgg(distinct b, ',') within group (order by c), cast(d as jsonb) from t"),
            "SELECT string_agg(a, ''), string_agg(DISTINCT b, ',' ORDER BY c), CAST(d AS TEXT) FROM t"
        );
        assert_eq!(
            rewritten(
                "select datediff(Days, a, b), dateadd('month', 1, c), date_diff(x, a, b), strftime('%Y', d) from t"
            ),
            "SELECT datediff('day', a, b), dateadd('month', 1, c), date_diff(x, a, b), to_char(d, '%Y') FROM t"
        );
    }

    #[test]
    fn the_present_has_microseconds() {
        assert_eq!(
            rewritten("select now()::date, current_timestamp > a from t"),
            "SELECT CAST(now() AS TIMESTAMPTZ(6))::DATE, CAST(current_timestamp AS TIMESTAMPTZ(6)) > a FROM t"
        );
    }

    #[test]
    fn fetch_is_a_limit() {
        assert_eq!(
            rewritten("select a from t order by a offset 2 rows fetch first 3 rows only"),
            "SELECT a FROM t ORDER BY a LIMIT 3 OFFSET 2 ROWS"
        );
        assert_eq!(rewritten("select a from t fetch next row only"), "SELECT a FROM t LIMIT 1");
    }

    #[test]
    fn flags_of_patterns_are_those_that_the_engine_knows() {
        assert_eq!(
            rewritten(
                "select regexp_matches(a, 'b', 'c'), regexp_match(a, 'b', ''), regexp_match(a, 'b', 'ci') from t"
            ),
            "SELECT regexp_like(a, 'b'), regexp_match(a, 'b'), regexp_match(a, 'b', 'i') FROM t"
        );
    }

    #[test]
    fn bare_timestamps_become_microseconds_everywhere() {
        assert_eq!(
            rewritten("select cast(a as timestamp), b::timestamp, timestamp '2025-01-01', c::timestamptz from t"),
            "SELECT CAST(a AS TIMESTAMP(6)), b::TIMESTAMP(6), TIMESTAMP(6) '2025-01-01', c::TIMESTAMPTZ(6) FROM t"
        );
        assert_eq!(
            rewritten("select * from (select try_cast(a as datetime) from t) where x = cast('1' as timestamp(3))"),
            "SELECT * FROM (SELECT TRY_CAST(a AS TIMESTAMP(6)) FROM t) WHERE x = CAST('1' AS TIMESTAMP(3))"
        );
    }
}
