//! Finds the tags of a text (`{% … %}`, `{{ … }}`, `{# … #}`) without understanding what is in them.
//!
//! Strings inside tags, comments and `{% raw %}` sections are stepped over, so a delimiter inside one is no delimiter.

use super::SyntaxError;
use crate::limits::TAG_BYTES_MAX;

/// A `{% word rest %}` tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    /// First word: `macro`, `endmacro`, `if`, …
    pub(crate) word: &'a str,
    /// What follows the word, up to the closing delimiter, without blanks around it.
    pub(crate) rest: &'a str,
    /// Byte offset of `{%`.
    pub(crate) start: usize,
    /// Byte offset after `%}`.
    pub(crate) end: usize,
}

/// Every statement tag of a text, in order; tags inside raw sections and comments are not among them.
pub(crate) fn tags(text: &str) -> Result<Vec<Tag<'_>>, SyntaxError> {
    walk(text)
}

fn walk(text: &str) -> Result<Vec<Tag<'_>>, SyntaxError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = next_open(text, at) {
        let inner = open + 2;
        match &text[open..inner] {
            "{#" => {
                let close = text[inner..].find("#}").ok_or_else(|| unclosed("comment", open))?;
                at = inner + close + 2;
            }
            "{{" => {
                at = end_of(text, inner, "}}").ok_or_else(|| unclosed("expression", open))?;
                check_length(open, at)?;
            }
            _ => {
                let end = end_of(text, inner, "%}").ok_or_else(|| unclosed("tag", open))?;
                check_length(open, end)?;
                let tag = tag(text, open, end);
                at = end;
                if tag.word == "raw" {
                    at = skip_raw(text, end).ok_or_else(|| unclosed("raw section", open))?;
                } else {
                    found.push(tag);
                }
            }
        }
    }
    Ok(found)
}

fn check_length(open: usize, end: usize) -> Result<(), SyntaxError> {
    if end - open > TAG_BYTES_MAX {
        return Err(SyntaxError { message: format!("this tag is longer than {TAG_BYTES_MAX} bytes"), offset: open });
    }
    Ok(())
}

fn unclosed(what: &str, offset: usize) -> SyntaxError {
    SyntaxError { message: format!("this {what} is not closed"), offset }
}

fn next_open(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    (from..bytes.len().saturating_sub(1)).find(|at| bytes[*at] == b'{' && matches!(bytes[at + 1], b'{' | b'%' | b'#'))
}

/// Byte offset after the closing delimiter, strings stepped over.
fn end_of(text: &str, from: usize, close: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    let mut braces = 0_usize;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            // `{{ {'a': {}} }}`: a brace of the expression is not the end of it.
            b'{' => braces += 1,
            b'}' if braces > 0 => braces -= 1,
            _ if braces == 0 && bytes[at..].starts_with(close.as_bytes()) => return Some(at + close.len()),
            _ => {}
        }
        at += 1;
    }
    None
}

fn tag(text: &str, open: usize, end: usize) -> Tag<'_> {
    let mut start = open + 2;
    let mut stop = end - 2;
    if matches!(text.as_bytes().get(start), Some(b'-' | b'+')) {
        start += 1;
    }
    if stop > start && matches!(text.as_bytes().get(stop - 1), Some(b'-' | b'+')) {
        stop -= 1;
    }
    let inner = text.get(start..stop).unwrap_or_default();
    let inner = inner.trim();
    let word_len = inner.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(inner.len());
    let (word, rest) = inner.split_at(word_len);
    Tag { word, rest: rest.trim(), start: open, end }
}

fn skip_raw(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let open = at + text.get(at..)?.find("{%")?;
        let end = open + text.get(open..)?.find("%}")? + 2;
        if tag(text, open, end).word == "endraw" {
            return Some(end);
        }
        at = open + 2;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tags(text).unwrap().into_iter().map(|tag| tag.word).collect()
    }

    #[test]
    fn strings_comments_expressions_and_raw_hide_tags() {
        let text = "{# {% macro a() %} #}{% set x = '%} {% macro b() %}' %}{{ \"{% macro c() %}\" }}\
                    {% raw %}{% macro d() %}{% endraw %}{%- macro e(x='}}') -%}{%+ endmacro %}{{ {'a': {'b': 1}} }}{% if x %}";
        assert_eq!(words(text), ["set", "macro", "endmacro", "if"]);
    }

    #[test]
    fn what_is_not_closed_is_told_with_its_offset() {
        for (text, offset) in
            [("a {% if x", 2), ("{# x", 0), (" {{ 'a }}", 1), ("{% raw %} x", 0), ("{% set x = '\\' %}", 0)]
        {
            assert_eq!(tags(text).unwrap_err().offset, offset, "{text}");
        }
    }

    #[test]
    fn characters_of_several_bytes_are_stepped_over() {
        assert_eq!(words("ä{{ 'ü' ~ ö }}{# é #}{% if 'ß' %}ä{% endif %}"), ["if", "endif"]);
    }

    #[test]
    fn a_tag_without_blanks_is_read() {
        let found = tags("{%-macro a(b)-%}").unwrap();
        assert_eq!((found[0].word, found[0].rest), ("macro", "a(b)"));
    }
}
