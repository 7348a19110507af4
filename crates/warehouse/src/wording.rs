//! What the engine says about a query, in words that SQL users know, and without its inner names.

use millstream_core::Error;

/// What planning says; none for a sentence that can stay as it is. Types are SQL's already.
pub(crate) fn of_plan(message: &str) -> Option<Error> {
    let after = |start: &str| message.split_once(start).map(|(_, rest)| rest);
    let between = |start: &str, end: &str| after(start).and_then(|rest| rest.split_once(end)).map(|(found, _)| found);
    if message.starts_with("Projections require unique expression names") {
        let second = after("\" at position ").and_then(|rest| rest.split_once(" and \"")).map(|(_, rest)| rest);
        let column = second.and_then(|rest| rest.split_once("\" at position ")).map_or("", |(column, _)| column);
        let name = column.rsplit_once(" AS ").map_or(column, |(_, name)| name);
        return Some(
            Error::user(format!("two columns of the select list are called '{}'", bare(name)))
                .hint("give one of them another name with 'as'"),
        );
    }
    if let Some(told) = between("user-defined coercion failed with: External error: ", ". No function matches") {
        return Some(Error::user(told));
    }
    if let (Some(function), Some(types)) =
        (between("to satisfy a call to '", "'"), between("coercion from ", " to the signature"))
    {
        return Some(
            Error::user(format!("'{function}' does not take ({types})"))
                .hint("cast its arguments, or look for another function"),
        );
    }
    if let Some((left, right)) =
        between("a common type to coerce ", " in LIKE expression").and_then(|types| types.split_once(" and "))
    {
        return Some(
            Error::user(format!("'like' compares texts, not {left} and {right}"))
                .hint("cast to text: cast(x as varchar) like 'a%'"),
        );
    }
    if let Some(comparison) = after("Cannot infer common argument type for comparison operation ") {
        return Some(
            Error::user(format!("values of these types cannot be compared: {comparison}"))
                .hint("cast one side to the type of the other"),
        );
    }
    if let Some(rest) = after("Cannot create filter with non-boolean predicate '") {
        let data_type = rest.rsplit_once(" returning ").map_or("another type", |(_, data_type)| data_type);
        return Some(
            Error::user(format!("a condition must be true or false, and this one is a {data_type}"))
                .hint("compare it with a value: x <> 0, x is not null"),
        );
    }
    if let Some(data_type) = after("Unary operator 'NOT' requires a boolean expression, got ") {
        return Some(
            Error::user(format!("'not' takes what is true or false, not a {data_type}"))
                .hint("compare it with a value first"),
        );
    }
    if let Some(columns) = between("For SELECT DISTINCT, ORDER BY expressions ", " must appear in select list") {
        return Some(
            Error::user("rows of 'select distinct' can be ordered by columns of the select list only")
                .why(format!("{columns} is not in it"))
                .hint("add it to the list, or group instead: select a … group by a order by max(b)"),
        );
    }
    if message.starts_with("Aggregate functions are not allowed in the WHERE clause") {
        return Some(Error::user("an aggregate function cannot stand in 'where'").hint("filter groups with 'having'"));
    }
    for (function, kind) in [("Window", "a window function"), ("Aggregate", "an aggregate function")] {
        if message.strip_prefix(function).is_some_and(|rest| rest.starts_with(" function calls cannot be nested")) {
            return Some(
                Error::user(format!("{kind} stands inside of another one, perhaps by way of an alias"))
                    .hint("compute the inner one in a common table expression, the outer one over that"),
            );
        }
    }
    if message.starts_with("join condition should not be empty") {
        return Some(Error::user("an outer join has no condition").hint("write 'on …', or 'cross join'"));
    }
    if message.starts_with("Correlated scalar subquery must be aggregated") {
        return Some(
            Error::user("a subquery for one value may give several rows for one row of the query around it")
                .hint("aggregate in it: max(x), any_value(x); or join its rows"),
        );
    }
    None
}

/// What the engine cannot plan, without the dump of its plan.
pub(crate) fn of_missing(message: &str) -> Option<Error> {
    let expression = message.strip_prefix("Physical plan does not support logical expression ")?;
    let kind = expression.split(['(', ' ', '{']).next().unwrap_or_default();
    let link = "join its rows instead: left join (select … group by …) on …";
    Some(match kind {
        "WindowFunction" => Error::user("a window function can stand in the select list and in 'order by' only")
            .hint("filter its values with 'qualify', or compute it in a common table expression"),
        "AggregateFunction" => Error::user("an aggregate function stands where there are no groups")
            .hint("filter groups with 'having', or compute it in a common table expression"),
        "ScalarSubquery" | "Exists" | "InSubquery" | "SetComparison" => {
            Error::user("a subquery of this kind cannot be linked with the query around it").hint(link)
        }
        "OuterReferenceColumn" => {
            let column = expression.split_once("name: \"").and_then(|(_, rest)| rest.split_once('"'));
            let column = column.map_or("a column", |(name, _)| name);
            Error::user(format!("a subquery cannot use '{column}' of the query around it in this place")).hint(link)
        }
        _ => Error::user("the query has an expression where it cannot be computed")
            .hint("compute it in a common table expression and select from that"),
    })
}

/// The last part of a dotted name.
fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: Option<Error>) -> String {
        error.map(|error| error.what().to_owned()).unwrap_or_default()
    }

    #[test]
    fn sentences_of_the_engine_become_those_of_sql() {
        for (engine, sql) in [
            (
                "Projections require unique expression names but the expression \"t.a AS x\" at position 0 and \"t.b AS x\" at position 1 have the same name. Consider aliasing (\"AS\") one of them.",
                "two columns of the select list are called 'x'",
            ),
            (
                "Projections require unique expression names but the expression \"t.a\" at position 0 and \"t.a\" at position 1 have the same name.",
                "two columns of the select list are called 'a'",
            ),
            (
                "Function 'upper' user-defined coercion failed with: External error: upper takes 1 arguments, not 2. No function matches the given name",
                "upper takes 1 arguments, not 2",
            ),
            (
                "Failed to coerce arguments to satisfy a call to 'bool_or' function: coercion from bigint to the signature Exact(boolean) failed.",
                "'bool_or' does not take (bigint)",
            ),
            (
                "There isn't a common type to coerce bigint and varchar in LIKE expression",
                "'like' compares texts, not bigint and varchar",
            ),
            (
                "Cannot create filter with non-boolean predicate 'orders.id' returning bigint",
                "a condition must be true or false, and this one is a bigint",
            ),
        ] {
            assert_eq!(told(of_plan(engine)), sql);
        }
        assert!(of_plan("UNION queries have different number of columns").is_none());
    }

    #[test]
    fn dumps_of_plans_are_not_shown() {
        for (engine, sql) in [
            (
                "WindowFunction(WindowFunction { fun: … })",
                "a window function can stand in the select list and in 'order by' only",
            ),
            ("Exists(Exists { … })", "a subquery of this kind cannot be linked with the query around it"),
            ("ScalarSubquery(<subquery>)", "a subquery of this kind cannot be linked with the query around it"),
            (
                "OuterReferenceColumn(Field { name: \"a\", data_type: Int64 }, Column { … })",
                "a subquery cannot use 'a' of the query around it in this place",
            ),
        ] {
            assert_eq!(told(of_missing(&format!("Physical plan does not support logical expression {engine}"))), sql);
        }
        assert!(of_missing("something else").is_none());
    }
}
