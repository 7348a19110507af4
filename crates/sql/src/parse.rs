//! Text to statements.

use millstream_core::warehouse::Dialect;
use millstream_core::{Error, Result};
use sqlparser::ast::Statement;
use sqlparser::dialect::{GenericDialect, SnowflakeDialect};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::place::{place_at, split_location};
use crate::{precedence, snowflake, tokens};

/// Bytes of SQL text above which parsing is refused: nothing that people or templates write comes near it.
pub const LENGTH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Nesting of expressions and queries above which parsing is refused.
const DEPTH_MAX: usize = 256;

/// Parses any number of statements separated by semicolons. Empty statements are left out.
///
/// # Errors
/// A user error with line and column when the text is not SQL, is too deeply nested or too long.
pub fn parse(sql: &str) -> Result<Vec<Statement>> {
    parse_in(Dialect::Native, sql)
}

/// Parses statements of a dialect, see [`parse`].
///
/// # Errors
/// As [`parse`].
pub fn parse_in(dialect: Dialect, sql: &str) -> Result<Vec<Statement>> {
    if sql.len() > LENGTH_BYTES_MAX {
        return Err(Error::user(format!("the SQL text has {} bytes", sql.len()))
            .why(format!("the limit is {LENGTH_BYTES_MAX} bytes")));
    }
    let grammar: &dyn sqlparser::dialect::Dialect = match dialect {
        Dialect::Native => &GenericDialect,
        Dialect::Snowflake => &SnowflakeDialect,
    };
    Tokenizer::new(grammar, sql)
        // Snowflake's escape sequences are not those that the tokenizer reads.
        .with_unescape(dialect == Dialect::Native)
        .tokenize_with_location()
        .map_err(ParserError::from)
        .and_then(|mut all| {
            if dialect == Dialect::Snowflake {
                snowflake::read_escapes(&mut all)?;
                all.iter_mut().for_each(fold_quoted);
                all = tokens::name_before_window(all);
            }
            Parser::new(grammar)
                .with_recursion_limit(DEPTH_MAX)
                .with_tokens_with_locations(tokens::mend(all))
                .parse_statements()
        })
        .map(|mut statements| {
            statements.iter_mut().for_each(precedence::mend);
            statements
        })
        .map_err(|error| explain(error, sql))
}

/// What Snowflake stores for a quoted name in upper case is what it stores for the same name without quotes, so both
/// are one name from the start, see [`crate::snowflake::fold_text`].
fn fold_quoted(token: &mut TokenWithSpan) {
    if let Token::Word(word) = &mut token.token
        && word.quote_style.is_some()
    {
        word.value = snowflake::fold_text(&word.value);
    }
}

/// Parses exactly one statement; a semicolon at its end is allowed.
///
/// # Errors
/// As [`parse`], and a user error when there is none or more than one.
pub fn parse_one(sql: &str) -> Result<Statement> {
    parse_one_in(Dialect::Native, sql)
}

/// Parses exactly one statement of a dialect, see [`parse_one`].
///
/// # Errors
/// As [`parse_one`].
pub fn parse_one_in(dialect: Dialect, sql: &str) -> Result<Statement> {
    let mut statements = parse_in(dialect, sql)?;
    match (statements.len(), statements.pop()) {
        (1, Some(statement)) => Ok(statement),
        (0, _) => Err(Error::user("there is no SQL statement").why("the text is empty or holds only comments")),
        (count, _) => Err(Error::user(format!("one SQL statement is expected, found {count}"))
            .hint("keep one statement; separate the others into queries of their own")),
    }
}

fn explain(error: ParserError, sql: &str) -> Error {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => {
            return Error::user("the SQL is nested too deeply")
                .why(format!("expressions and queries may be nested {DEPTH_MAX} deep"))
                .hint("split the query into common table expressions, or use 'in (…)' for a long chain of 'or'");
        }
    };
    let (message, place) = split_location(&message);
    let at_end = message.ends_with("found: EOF");
    let mut error = Error::user("the SQL cannot be parsed").why(lower_first(message));
    // The parser has no place for the end of the text; the last character is where the eye should go.
    let place = place.or_else(|| at_end.then(|| end_of(sql)).flatten());
    if let Some(place) = place {
        error = error.at(place);
    }
    match hint(message, sql) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn end_of(sql: &str) -> Option<millstream_core::Place> {
    let text = sql.trim_end();
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count().max(1);
    place_at(line as u64, column as u64)
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn hint(message: &str, sql: &str) -> Option<&'static str> {
    if sql.contains("{{") || sql.contains("{%") {
        return Some("Jinja is not rendered here: compile the model, or replace the braces by names and values");
    }
    if message.contains("Unterminated string") {
        return Some("close the quote; inside a string write a quote twice: 'it''s'");
    }
    if message.ends_with("found: EOF") {
        return Some("the text ends too early: look for a missing bracket, 'end' or select list");
    }
    if message.contains("found: FROM") || message.contains("found: from") {
        return Some("look for a comma too many at the end of the select list");
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn parses_what_dbt_projects_use() {
        for sql in [
            "select a::int, b from t qualify row_number() over (partition by a order by b desc) = 1",
            "with x as (select 1 as a) select * from x;",
            "select count(*) filter (where a > 1), date '2025-01-01' + interval '1 day' from s.t group by all",
            "select * exclude (a) from db.s.t",
            "select \"Mixed Case\", case when a ~ '^x' then 1 end from t -- the end",
            "values (1, 'a'), (2, null)",
            "explain select 1",
            "show tables",
            "describe s.t",
        ] {
            parse_one(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }

    #[test]
    fn errors_say_where_and_how_to_fix() {
        let error = parse_one("select a,\n  b c d\nfrom t").unwrap_err();
        assert_eq!(error.place().map(ToString::to_string), Some("sql:2:7".into()));
        let error = parse_one("select (1 + 2").unwrap_err();
        assert_eq!(error.place().map(ToString::to_string), Some("sql:1:13".into()));
        assert!(error.fix().is_some_and(|fix| fix.contains("bracket")), "{error}");
        let error = parse_one("select * from {{ ref('a') }}").unwrap_err();
        assert!(error.fix().is_some_and(|fix| fix.contains("Jinja")), "{error}");
        let error = parse_one("select 'abc").unwrap_err();
        assert!(error.fix().is_some_and(|fix| fix.contains("quote")), "{error}");
    }

    #[test]
    fn counts_statements() {
        assert!(parse_one("  -- nothing\n").unwrap_err().what().contains("no SQL statement"));
        assert!(parse_one("select 1; select 2").unwrap_err().what().contains("found 2"));
        assert_eq!(parse("select 1;; select 2;").unwrap().len(), 2);
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let sql = format!("select {}1{}", "(".repeat(5000), ")".repeat(5000));
        assert!(parse_one(&sql).unwrap_err().what().contains("nested"));
    }
}
