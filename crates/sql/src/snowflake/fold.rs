//! How names are folded: what is not quoted is lower case, and so is what is quoted and all upper case, because both
//! mean the same name in Snowflake. Other quoted names stay as they are.
//!
//! Snowflake stores the upper case; here the lower case is stored. Where names become values (`unpivot`,
//! `object_construct(*)`) they are turned back, see [`as_value`].

use sqlparser::ast::Ident;

/// The name that an identifier means.
pub(crate) fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        None => ident.value.to_lowercase(),
        Some(_) => fold_text(&ident.value),
    }
}

/// What a quoted name means.
pub fn fold_text(name: &str) -> String {
    if name.chars().any(char::is_lowercase) { name.to_owned() } else { name.to_lowercase() }
}

/// What a name means as it is written, with or without quotes.
pub fn fold_written(name: &str) -> String {
    match name.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => fold_text(&quoted.replace("\"\"", "\"")),
        None => name.trim().to_lowercase(),
    }
}

/// The same identifier, folded, exactly as it is, at its place.
pub(crate) fn fold(ident: &mut Ident) {
    ident.value = folded(ident);
    ident.quote_style = Some('"');
}

/// A folded name as Snowflake would tell it as a value.
pub fn as_value(name: &str) -> String {
    if name.chars().any(char::is_uppercase) { name.to_owned() } else { name.to_uppercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_as_snowflake_matches_them() {
        for (written, meant) in [
            (Ident::new("FooBar"), "foobar"),
            (Ident::with_quote('"', "FOO"), "foo"),
            (Ident::with_quote('"', "Foo"), "Foo"),
            (Ident::with_quote('"', "foo"), "foo"),
            (Ident::with_quote('"', "'JAN'"), "'jan'"),
        ] {
            assert_eq!(folded(&written), meant);
        }
        for (written, meant) in [("FooBar", "foobar"), (" \"FOO\"", "foo"), ("\"Foo\"", "Foo"), ("\"a\"\"B\"", "a\"B")]
        {
            assert_eq!(fold_written(written), meant);
        }
        assert_eq!((as_value("foo"), as_value("Foo")), ("FOO".to_owned(), "Foo".to_owned()));
    }
}
