//! What to write where something was opened and not closed.

/// The way out of a problem that the lexer tells, by its message; `None` when the message says it all.
pub(crate) fn of(message: &str) -> Option<String> {
    if let Some(open) = message.strip_suffix(" is still open") {
        let open = open.rsplit(": ").next()?;
        return Some(format!("write {} before it", end_of(open)?));
    }
    let (what, rest) = message.strip_prefix("this ")?.split_once(" is not closed")?;
    if !rest.is_empty() {
        return Some("close the quote of the text".into());
    }
    let close = end_of(what)?;
    Some(format!("write {close} where it ends"))
}

/// What ends something that the lexer names.
fn end_of(what: &str) -> Option<&'static str> {
    Some(match what {
        "comment" => "#}",
        "expression" => "}}",
        "tag" => "%}",
        "raw section" => "{% endraw %}",
        "'('" => ")",
        "'['" => "]",
        "'{'" => "}",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    #[test]
    fn what_is_not_closed_says_how() {
        for (text, wanted) in [
            ("{# a", "#}"),
            ("{{ a", "}}"),
            ("{% if a", "%}"),
            ("{% raw %} a", "{% endraw %}"),
            ("{{ f(a", ")"),
            ("{{ a[1", "]"),
            ("{{ f(a }}", "write ) before it"),
            ("{{ 'a }}", "quote"),
        ] {
            let message = parse(text).err().map(|error| error.message).unwrap_or_default();
            let found = of(&message).unwrap_or_default();
            assert!(found.contains(wanted), "{text}: {message}: {found}");
        }
        assert_eq!(of("unexpected character '$'"), None);
    }
}
