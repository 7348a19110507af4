//! An error on a terminal: what, where, why, how to fix.

use std::collections::BTreeMap;

use millstream_core::{Error, Kind};

use super::style::{BAD, BOLD, DIM, WARN, paint};

/// Problems of one kind that are shown to a person; of more than these only the number is told.
pub const SHOWN_MAX: usize = 20;

/// The error as lines. Causes that are diagnostics of a project, with a place and a fix of their own, stand by
/// themselves, so that each reads like one error.
pub fn text(error: &Error) -> String {
    let mut text = format!("{} {}", paint(BAD, "error:"), paint(BOLD, error.what()));
    if let Some(place) = error.place() {
        text.push_str(&format!("\n  {} {place}", paint(DIM, "-->")));
    }
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for cause in error.causes() {
        match diagnostic(cause) {
            Some((head, diagnostic)) => {
                let count = shown.entry(head).or_default();
                *count += 1;
                if *count <= SHOWN_MAX {
                    text.push_str(&format!("\n\n{diagnostic}"));
                }
            }
            None => text.push_str(&format!("\n  because: {}", cause.replace('\n', "\n           "))),
        }
    }
    for (head, count) in shown.into_iter().filter(|(_, count)| *count > SHOWN_MAX) {
        let more = count - SHOWN_MAX;
        text.push_str(&format!(
            "\n\n{} and {more} more; --log-format json shows all",
            paint(DIM, &format!("{head}]:"))
        ));
    }
    if let Some(fix) = error.fix() {
        text.push_str(&format!("\n  fix: {}", fix.replace('\n', "\n       ")));
    }
    if error.kind() == Kind::Ours {
        text.push_str("\n  this is a bug in Millstream, not in your project; please report it with these lines");
    }
    text
}

/// A cause that begins with `error[code]:` or `warning[code]:`, with that beginning in its colour.
fn diagnostic(cause: &str) -> Option<(&str, String)> {
    let (head, rest) = cause.split_once("]: ")?;
    let style = if head.starts_with("error[") {
        BAD
    } else if head.starts_with("warning[") {
        WARN
    } else {
        return None;
    };
    Some((head, format!("{} {rest}", paint(style, format!("{head}]:")))))
}

#[cfg(test)]
mod tests {
    use millstream_core::{Diagnostic, Diagnostics, Place};

    use super::*;

    #[test]
    fn diagnostics_stand_by_themselves_and_plain_causes_are_named() {
        let mut all = Diagnostics::new();
        all.push(Diagnostic::error("unknown-ref", "no model 'b'").at(Place::line("a.sql", 3)).hint("write it"));
        let Err(error) = all.into_result("the project has problems") else { unreachable!("one is an error") };
        let shown = console::strip_ansi_codes(&text(&error)).into_owned();
        assert_eq!(
            shown,
            "error: the project has problems: 1 error\n\nerror[unknown-ref]: no model 'b'\n  --> a.sql:3\n  fix: write it"
        );
        let mut many = Diagnostics::new();
        for line in 0..SHOWN_MAX as u32 + 3 {
            many.push(Diagnostic::error("unknown-ref", "no model 'b'").at(Place::line("a.sql", line + 1)));
        }
        many.push(Diagnostic::error("cycle", "a circle").at(Place::line("z.sql", 1)));
        let Err(error) = many.into_result("the project has problems") else { unreachable!("all are errors") };
        let shown = console::strip_ansi_codes(&text(&error)).into_owned();
        assert_eq!(shown.matches("no model 'b'").count(), SHOWN_MAX);
        assert!(shown.contains("error[cycle]: a circle"), "each kind has its own limit: {shown}");
        assert!(shown.contains("error[unknown-ref]: and 3 more; --log-format json shows all"), "{shown}");
        let error = Error::external("the broker is away").why("connection refused").hint("start it");
        let shown = console::strip_ansi_codes(&text(&error)).into_owned();
        assert_eq!(shown, "error: the broker is away\n  because: connection refused\n  fix: start it");
    }
}
