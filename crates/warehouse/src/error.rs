//! Engine errors told to a person: whose problem it is, where in the SQL, and what to do.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use millstream_core::{Error, Kind};
use millstream_sql::place_at;

use crate::suggest::nearest;
use crate::wording;

/// An error of the engine as one of ours. Errors of ours that passed through the engine come out as they went in.
pub(crate) fn from_engine(error: DataFusionError) -> Error {
    told(&error)
}

/// The same of an error that is still needed.
pub(crate) fn told(error: &DataFusionError) -> Error {
    let place = error
        .diagnostic()
        .and_then(|diagnostic| diagnostic.span)
        .and_then(|span| place_at(span.start.line, span.start.column));
    let error = explain(error);
    match place {
        Some(place) if error.place().is_none() => error.at(place),
        _ => error,
    }
}

/// One of our errors on its way through the engine.
pub(crate) fn into_engine(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn explain(error: &DataFusionError) -> Error {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => explain(inner),
        DataFusionError::Shared(inner) => explain(inner),
        DataFusionError::Collection(all) => match all.first() {
            Some(first) => explain(first),
            None => Error::ours("the query failed without an error"),
        },
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(ours) => ours.clone(),
            None => match inner.downcast_ref::<DataFusionError>() {
                Some(inner) => explain(inner),
                None => Error::new(Kind::Environment, "the query failed").why(inner),
            },
        },
        DataFusionError::ArrowError(inner, _) => from_arrow(inner),
        DataFusionError::SchemaError(inner, _) => from_schema(inner),
        DataFusionError::Plan(message) => from_plan(&clean(message)),
        DataFusionError::SQL(inner, _) => Error::user("the SQL cannot be parsed").why(inner),
        DataFusionError::Execution(message) => Error::user("the query failed").why(clean(message)),
        DataFusionError::NotImplemented(message) => {
            let message = clean(message);
            wording::of_missing(&message)
                .unwrap_or_else(|| Error::user("the query uses something that is not supported").why(message))
        }
        DataFusionError::ResourcesExhausted(message) => short_of_memory(&clean(message)),
        DataFusionError::Internal(message) if message.contains(NOTHING_TO_SPILL) => short_of_memory(&clean(message)),
        DataFusionError::IoError(inner) => Error::environment("reading or writing failed").why(inner),
        DataFusionError::ObjectStore(inner) => Error::environment("a data file cannot be read").why(inner),
        DataFusionError::ParquetError(inner) => Error::environment("a data file cannot be read").why(inner),
        DataFusionError::ExecutionJoin(inner) => Error::ours("a query's task broke off").why(inner),
        other => Error::ours("the query engine failed").why(clean(&other.strip_backtrace())),
    }
}

/// What the engine's aggregates say when there is no memory left for their first group: they take having nothing to spill
/// for an error of their own.
const NOTHING_TO_SPILL: &str = "ran out of memory with no aggregated groups";

fn short_of_memory(why: &str) -> Error {
    Error::environment("the query needs more memory than it may use")
        .why(why)
        .short_of_memory()
        .hint("raise the memory limit, or let the query read less: fewer columns, an earlier filter")
}

/// What planning says, in words that SQL users know.
fn from_plan(message: &str) -> Error {
    if let Some((name, rest)) = message.strip_prefix("Invalid function '").and_then(|rest| rest.split_once('\'')) {
        let error = Error::user(format!("there is no function '{name}'"));
        let known = rest.split_once("Did you mean '").and_then(|(_, rest)| rest.split_once('\''));
        return match known.and_then(|(known, _)| nearest(name, [known])) {
            Some(known) => error.hint(format!("did you mean '{known}'?")),
            None => error.hint("'show functions' lists what there is"),
        };
    }
    if message.contains("must appear in the GROUP BY clause")
        && let Some((name, _)) = message.split_once("column \"").and_then(|(_, rest)| rest.split_once('"'))
    {
        let bare = name.rsplit('.').next().unwrap_or(name);
        return Error::user(format!("column '{bare}' must be in 'group by' or inside of an aggregate function"))
            .hint(format!("add it to 'group by', or take any of its values: any_value({bare})"));
    }
    let message = in_sql_types(message);
    wording::of_plan(&message).unwrap_or_else(|| Error::user("the query is not valid").why(message))
}

/// The engine's names of types as the names that SQL has for them.
fn in_sql_types(message: &str) -> String {
    const NAMES: [(&str, &str); 14] = [
        ("Utf8View", "varchar"),
        ("LargeUtf8", "varchar"),
        ("Utf8", "varchar"),
        ("Boolean", "boolean"),
        ("UInt64", "ubigint"),
        ("Int64", "bigint"),
        ("Int32", "integer"),
        ("Int16", "smallint"),
        ("Int8", "tinyint"),
        ("Float64", "double"),
        ("Float32", "float"),
        ("Decimal128(", "decimal("),
        ("Date32", "date"),
        ("Timestamp(Microsecond, None)", "timestamp"),
    ];
    NAMES.iter().fold(message.to_owned(), |text, (engine, sql)| text.replace(engine, sql))
}

fn from_arrow(error: &arrow::error::ArrowError) -> Error {
    use arrow::error::ArrowError;
    match error {
        ArrowError::ExternalError(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(engine) => explain(engine),
            None => match inner.downcast_ref::<Error>() {
                Some(ours) => ours.clone(),
                None => Error::environment("the query failed").why(inner),
            },
        },
        ArrowError::CastError(message) | ArrowError::ParseError(message) => {
            Error::user("a value cannot be converted").why(message).hint("try_cast gives null instead of an error")
        }
        ArrowError::DivideByZero => Error::user("division by zero").hint("divide by nullif(x, 0)"),
        ArrowError::ArithmeticOverflow(message) => {
            Error::user("a number is too large for its type").why(message).hint("cast to a wider type before computing")
        }
        ArrowError::IoError(_, inner) => Error::environment("reading or writing failed").why(inner),
        other => Error::user("the query failed").why(other),
    }
}

fn from_schema(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let mut names: Vec<&str> = valid_fields.iter().map(|column| column.name.as_str()).collect();
            names.dedup();
            let place = field.spans.first().and_then(|span| place_at(span.start.line, span.start.column));
            let mut error = Error::user(format!("there is no column '{}'", field.flat_name()));
            error = match nearest(&field.name, names.iter().copied()) {
                Some(name) => error.hint(format!("did you mean '{name}'?")),
                None if names.is_empty() => error,
                None => error.hint(format!("there are: {}", names.join(", "))),
            };
            match place {
                Some(place) => error.at(place),
                None => error,
            }
        }
        SchemaError::AmbiguousReference { field } => {
            Error::user(format!("column '{}' is ambiguous", field.flat_name()))
                .why("more than one table of the query has it")
                .hint("put the table's name or alias in front of it")
        }
        SchemaError::DuplicateQualifiedField { qualifier, name } => {
            let error = Error::user(format!("the column '{name}' of '{qualifier}' is there twice"));
            error.hint(format!("if the query reads '{qualifier}' twice, give each an alias of its own"))
        }
        SchemaError::DuplicateUnqualifiedField { name } => {
            Error::user(format!("two columns are called '{name}'")).hint("give one of them another name with 'as'")
        }
    }
}

/// The engine's sentence without its prefixes.
fn clean(message: &str) -> String {
    let mut text = message.trim();
    for prefix in ["Error during planning: ", "Execution error: ", "External error: ", "Arrow error: "] {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    text.split("\n\nbacktrace:").next().unwrap_or(text).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::common::Column;

    #[test]
    fn kinds_say_whose_problem_it_is() {
        assert_eq!(from_engine(DataFusionError::Plan("x".into())).kind(), Kind::User);
        assert_eq!(from_engine(DataFusionError::ResourcesExhausted("x".into())).kind(), Kind::Environment);
        assert_eq!(from_engine(DataFusionError::Internal("x".into())).kind(), Kind::Ours);
        assert!(from_engine(DataFusionError::Internal(NOTHING_TO_SPILL.into())).is_short_of_memory());
        let through = from_engine(into_engine(Error::usage("mine")).context("around"));
        assert_eq!((through.kind(), through.what()), (Kind::Usage, "mine"));
    }

    #[test]
    fn an_unknown_column_gets_the_nearest_one() {
        let error = DataFusionError::SchemaError(
            Box::new(SchemaError::FieldNotFound {
                field: Box::new(Column::from_name("amont")),
                valid_fields: vec![Column::from_name("amount"), Column::from_name("user_id")],
            }),
            Box::new(None),
        );
        assert_eq!(from_engine(error).fix(), Some("did you mean 'amount'?"));
    }
}
