//! Text to tokens, as Jinja2 3.1 does it with dbt's settings: nothing trimmed unless a `-` says so, no line statements,
//! `\r\n` read as `\n`, one newline at the end of the text dropped
//! (<https://jinja.palletsprojects.com/en/stable/templates/#whitespace-control>).
//!
//! Offsets of tokens are those of the text as the user wrote it.

use std::borrow::Cow;

use super::SyntaxError;
use super::literal::{number, text};
use super::token::{Token, TokenKind};
use crate::limits::TAG_BYTES_MAX;

const OPERATORS: &[&str] = &[
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".",
    ":", "|", ",", ";",
];

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<Token<'t>>,
}

/// All tokens of a text, the last one being [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, SyntaxError> {
    let trimmed = match text.strip_suffix('\n') {
        Some(rest) => rest.strip_suffix('\r').unwrap_or(rest),
        None => text.strip_suffix('\r').unwrap_or(text),
    };
    let mut lexer = Lexer { text: trimmed, at: 0, tokens: Vec::new() };
    lexer.template()?;
    lexer.push(TokenKind::End, trimmed.len());
    Ok(lexer.tokens)
}

/// A text with every newline made `\n`.
pub(super) fn newlines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(text) }
}

fn error<T>(message: impl Into<String>, offset: usize) -> Result<T, SyntaxError> {
    Err(SyntaxError { message: message.into(), offset })
}

impl<'t> Lexer<'t> {
    fn push(&mut self, kind: TokenKind<'t>, at: usize) {
        self.tokens.push(Token { kind, at: u32::try_from(at).unwrap_or(u32::MAX) });
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn data(&mut self, from: usize, to: usize) {
        if from < to {
            self.push(TokenKind::Data(newlines(&self.text[from..to])), from);
        }
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn template(&mut self) -> Result<(), SyntaxError> {
        while let Some(open) = next_open(self.text, self.at) {
            let sign = self.text.as_bytes().get(open + 2).copied();
            let before = &self.text[self.at..open];
            // `{%-` eats the blanks before it; `{%+` says that nothing is to be eaten, which is how we are set anyway.
            let kept = if sign == Some(b'-') { before.trim_end() } else { before };
            self.data(self.at, self.at + kept.len());
            self.at = open + 2 + usize::from(matches!(sign, Some(b'-' | b'+')));
            match self.text.as_bytes()[open + 1] {
                b'#' => self.comment(open)?,
                b'{' => {
                    self.push(TokenKind::VariableBegin, open);
                    self.inside(open, "}}", "expression", TokenKind::VariableEnd)?;
                }
                _ if self.raw(open)? => {}
                _ => {
                    self.push(TokenKind::BlockBegin, open);
                    self.inside(open, "%}", "tag", TokenKind::BlockEnd)?;
                }
            }
        }
        self.data(self.at, self.text.len());
        Ok(())
    }

    fn comment(&mut self, open: usize) -> Result<(), SyntaxError> {
        // In `{#-#}` the sign belongs to both ends.
        let from = open + 2;
        let Some(close) = self.text[from..].find("#}") else { return error("this comment is not closed", open) };
        let close = from + close;
        self.at = close + 2;
        if close > from && self.text.as_bytes()[close - 1] == b'-' {
            self.skip_blanks();
        }
        Ok(())
    }

    /// A `{% raw %}` section, if one starts here.
    fn raw(&mut self, open: usize) -> Result<bool, SyntaxError> {
        let Some((end, trims)) = word_tag(self.text, self.at, "raw") else { return Ok(false) };
        self.at = end;
        if trims {
            self.skip_blanks();
        }
        let mut search = self.at;
        loop {
            let Some(found) = self.text[search..].find("{%") else {
                return error("this raw section is not closed", open);
            };
            let tag = search + found;
            let sign = self.text.as_bytes().get(tag + 2).copied();
            let inner = tag + 2 + usize::from(matches!(sign, Some(b'-' | b'+')));
            let Some((end, trims)) = word_tag(self.text, inner, "endraw") else {
                search = tag + 2;
                continue;
            };
            let body = &self.text[self.at..tag];
            let kept = if sign == Some(b'-') { body.trim_end() } else { body };
            self.data(self.at, self.at + kept.len());
            self.at = end;
            if trims {
                self.skip_blanks();
            }
            return Ok(true);
        }
    }

    /// Tokens up to the closing delimiter.
    fn inside(&mut self, open: usize, close: &str, what: &str, end: TokenKind<'t>) -> Result<(), SyntaxError> {
        let mut brackets: Vec<(u8, usize)> = Vec::new();
        loop {
            self.skip_blanks();
            self.check_length(open)?;
            let rest = self.rest();
            let Some(first) = rest.bytes().next() else {
                return match brackets.pop() {
                    Some((bracket, at)) => error(format!("this '{}' is not closed", char::from(bracket)), at),
                    None => error(format!("this {what} is not closed"), open),
                };
            };
            if brackets.is_empty() {
                let signed = rest.get(1..).is_some_and(|rest| rest.starts_with(close));
                // `+%}` ends a tag and `+}}` does not: Jinja knows the sign for blocks only.
                let trims = first == b'-' && signed;
                if rest.starts_with(close) || trims || (first == b'+' && signed && close == "%}") {
                    self.push(end, self.at);
                    self.at += close.len() + usize::from(!rest.starts_with(close));
                    self.check_length(open)?;
                    if trims {
                        self.skip_blanks();
                    }
                    return Ok(());
                }
            }
            self.token(first, &mut brackets, open, what)?;
        }
    }

    fn check_length(&self, open: usize) -> Result<(), SyntaxError> {
        if self.at - open > TAG_BYTES_MAX {
            return error(format!("this tag is longer than {TAG_BYTES_MAX} bytes"), open);
        }
        Ok(())
    }

    fn token(
        &mut self,
        first: u8,
        brackets: &mut Vec<(u8, usize)>,
        open: usize,
        what: &str,
    ) -> Result<(), SyntaxError> {
        let (at, rest) = (self.at, self.rest());
        if first.is_ascii_digit() {
            let after_dot = self.tokens.last().is_some_and(|token| token.kind.is("."));
            let (kind, length) = number(rest, after_dot).map_err(|message| SyntaxError { message, offset: at })?;
            self.push(kind, at);
            self.at += length;
            return Ok(());
        }
        if first == b'\'' || first == b'"' {
            let Some((value, length)) = text(rest) else {
                return error(format!("this {what} is not closed: a text that starts in it has no end"), open);
            };
            self.push(TokenKind::Text(value), at);
            self.at += length;
            return Ok(());
        }
        let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if name > 0 {
            self.push(TokenKind::Name(&rest[..name]), at);
            self.at += name;
            return Ok(());
        }
        let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) else {
            let c = rest.chars().next().unwrap_or(' ');
            return error(format!("unexpected character '{c}'"), at);
        };
        match first {
            b'(' | b'[' | b'{' => brackets.push((first, at)),
            b')' | b']' | b'}' => {
                let wanted = match first {
                    b')' => b'(',
                    b']' => b'[',
                    _ => b'{',
                };
                match brackets.pop() {
                    Some((bracket, _)) if bracket == wanted => {}
                    Some((bracket, _)) => {
                        let message = format!("unexpected '{operator}': '{}' is still open", char::from(bracket));
                        return error(message, at);
                    }
                    None => return error(format!("unexpected '{operator}'"), at),
                }
            }
            _ => {}
        }
        self.push(TokenKind::Operator(operator), at);
        self.at += operator.len();
        Ok(())
    }
}

/// Byte offset of the next `{{`, `{%` or `{#`.
fn next_open(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(found) = text.get(at..)?.find('{') {
        at += found;
        if matches!(bytes.get(at + 1), Some(b'{' | b'%' | b'#')) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// Whether a tag whose inner text starts at `from` is nothing but `word`: its end, and whether it eats blanks after it.
fn word_tag(text: &str, from: usize, word: &str) -> Option<(usize, bool)> {
    let rest = text.get(from..)?;
    let after = rest.trim_start().strip_prefix(word)?.trim_start();
    let at = text.len() - after.len();
    if after.starts_with("%}") {
        return Some((at + 2, false));
    }
    let signed = after.strip_prefix(['-', '+'])?;
    signed.starts_with("%}").then(|| (at + 3, after.starts_with('-')))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let words = |token: Token<'_>| match token.kind {
            TokenKind::Data(data) => format!("{data:?}"),
            TokenKind::Integer(number) => number.to_string(),
            TokenKind::Text(text) => format!("'{text}'"),
            other => other.describe(),
        };
        tokens(text).unwrap().into_iter().map(words).collect()
    }

    #[test]
    fn signs_eat_blanks_on_their_side_only() {
        assert_eq!(
            shown("a \r\n {%- if x -%} \n b \n{{- y }}\r\n\r\n"),
            [
                "\"a\"",
                "'{%'",
                "'if'",
                "'x'",
                "the end of the tag",
                "\"b\"",
                "'{{'",
                "'y'",
                "the end of the expression",
                "\"\\n\"",
                "the end of the template"
            ]
        );
    }

    #[test]
    fn raw_sections_and_comments_are_no_tags() {
        assert_eq!(
            shown("{#- a -#} {% raw %} {{ x }} {%- endraw -%} b {# {% raw %} #}"),
            ["\" {{ x }}\"", "\"b \"", "the end of the template"]
        );
    }

    #[test]
    fn a_brace_of_the_expression_does_not_end_it() {
        assert_eq!(shown("{{ {'a': {}}['a'] }}").len(), 12);
        assert_eq!(tokens("{{ (1]) }}").unwrap_err().offset, 5);
        assert_eq!(tokens("x {{ (1 }}").unwrap_err().offset, 8, "'}}' closes no parenthesis");
        assert_eq!(tokens("x {{ 'a }}").unwrap_err().offset, 2);
        assert_eq!(tokens("x {% if").unwrap_err().offset, 2);
    }
}
