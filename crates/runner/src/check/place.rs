//! Problems of a query as diagnostics with their place in the user's files.

use millstream_core::warehouse::Problem;
use millstream_core::{Diagnostic, Error, Place};
use millstream_jinja::TextMap;
use millstream_project::Node;

/// Where the SQL of a node comes from.
pub(super) struct Origin<'a> {
    pub(super) node: &'a Node,
    pub(super) sql: &'a str,
    pub(super) map: &'a TextMap,
}

impl Origin<'_> {
    /// The problem at its place in the template.
    pub(super) fn diagnostic(&self, problem: &Problem) -> Diagnostic {
        let error = &problem.error;
        let mut message = message_of(error);
        let (place, made_by) = self.place(error);
        if let Some(made_by) = made_by {
            message.push_str(&format!(" (in what {made_by} writes)"));
        }
        diagnostic(problem.code, message, place, error.fix())
    }

    fn place(&self, error: &Error) -> (Place, Option<String>) {
        let in_sql = error.place().filter(|place| place.file == millstream_sql::SQL_FILE);
        if in_sql.is_none()
            && let Some(place) = error.place()
        {
            return (place.clone(), None);
        }
        if let Some(metadata) = &self.node.test_metadata {
            return (self.node.place.clone(), Some(format!("the test '{}'", metadata.name)));
        }
        let origin = in_sql.and_then(|place| offset(self.sql, place)).and_then(|offset| self.map.origin(offset));
        match origin {
            Some(origin) => (origin.place, origin.made_by.map(|name| format!("the macro '{name}'"))),
            None => (self.node.place.clone(), None),
        }
    }
}

/// What happened and why, in one sentence.
pub(super) fn message_of(error: &Error) -> String {
    let mut message = error.what().to_owned();
    for cause in error.causes() {
        message.push_str(": ");
        message.push_str(cause);
    }
    message
}

pub(super) fn diagnostic(code: &'static str, message: String, place: Place, fix: Option<&str>) -> Diagnostic {
    let told = Diagnostic::error(code, message).at(place);
    match fix {
        Some(fix) => told.hint(fix),
        None => told,
    }
}

/// The byte of a line and column (in characters).
fn offset(sql: &str, place: &Place) -> Option<usize> {
    let (line, column) = (usize::try_from(place.line?).ok()?, usize::try_from(place.column.unwrap_or(1)).ok()?);
    let mut start = 0;
    for _ in 1..line {
        start += sql[start..].find('\n')? + 1;
    }
    let text = sql[start..].split('\n').next()?;
    Some(start + text.char_indices().nth(column.checked_sub(1)?).map_or(text.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let sql = "select\n  'ä' as x";
        assert_eq!(offset(sql, &Place::column("sql", 2, 7)), Some(sql.find("as").unwrap_or(0)));
        assert_eq!(offset(sql, &Place::column("sql", 1, 1)), Some(0));
        assert_eq!(offset(sql, &Place::column("sql", 3, 1)), None);
    }
}
