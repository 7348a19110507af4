//! Errors with their place.

use millstream_core::Error;
use sqlparser::tokenizer::Span;

use crate::place::place_at;

/// Something that no rewrite handles.
pub(super) fn unsupported(what: impl AsRef<str>, span: Span, hint: &str) -> Error {
    let what = what.as_ref();
    at(Error::user(format!("{what} is not supported on the embedded warehouse")).hint(hint), span)
}

/// Something that is wrong in Snowflake, too.
pub(super) fn wrong(what: impl Into<String>, span: Span, hint: impl Into<String>) -> Error {
    at(Error::user(what).hint(hint), span)
}

/// The error at the start of the span, where that is known.
pub(super) fn at(error: Error, span: Span) -> Error {
    match place_at(span.start.line, span.start.column) {
        Some(place) => error.at(place),
        None => error,
    }
}

/// `did you mean …?`, or what there is.
pub(super) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, or: &str) -> String {
    let best = known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(name.len()) / 3)
        .min();
    match best {
        Some((_, candidate)) => format!("did you mean '{candidate}'?"),
        None => or.to_owned(),
    }
}

/// Edits between two names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(diagonal + usize::from(x != *y));
            diagonal = above;
        }
    }
    row[b.len()]
}
