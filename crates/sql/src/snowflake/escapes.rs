//! Escape sequences of texts in single quotes, and doubled quotes. The parser's own reading is that of other dialects
//! (`\Z`, `\a`), and knows no character by its number, so texts come here as they were written.
//!
//! Source: docs.snowflake.com, "String & binary data types", section "String constants": a backslash in front of any
//! other character is ignored.

use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Reads the escape sequences of every text, and the doubled quotes of every quoted name.
///
/// # Errors
/// An error with its place for `\x` and `\u` without the digits that they need.
pub(crate) fn read(tokens: &mut [TokenWithSpan]) -> Result<(), ParserError> {
    for token in tokens {
        let start = token.span.start;
        match &mut token.token {
            Token::SingleQuotedString(text) | Token::NationalStringLiteral(text) => {
                *text = plain(text).map_err(|problem| {
                    ParserError::ParserError(format!("{problem} at Line: {}, Column: {}", start.line, start.column))
                })?;
            }
            Token::Word(word) if word.quote_style == Some('"') => word.value = word.value.replace("\"\"", "\""),
            _ => {}
        }
    }
    Ok(())
}

/// What a text says.
fn plain(written: &str) -> Result<String, String> {
    let mut said = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        match next {
            // A quote inside of a text is doubled.
            '\'' => {
                rest = rest.strip_prefix('\'').unwrap_or(rest);
                said.push('\'');
            }
            '\\' => rest = escape(rest, &mut said)?,
            other => said.push(other),
        }
    }
    Ok(said)
}

/// Reads what follows a backslash; gives what follows that.
fn escape<'t>(rest: &'t str, said: &mut String) -> Result<&'t str, String> {
    if let Some((char, after)) = digits(rest, 3, 8) {
        said.push(char);
        return Ok(after);
    }
    let Some(letter) = rest.chars().next() else { return Ok(rest) };
    let after = &rest[letter.len_utf8()..];
    let char = match letter {
        '0' => '\0',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'x' | 'u' => {
            let count = if letter == 'x' { 2 } else { 4 };
            let (char, after) = digits(after, count, 16)
                .ok_or_else(|| format!("'\\{letter}' in a text needs {count} hexadecimal digits of a character"))?;
            said.push(char);
            return Ok(after);
        }
        other => other,
    };
    said.push(char);
    Ok(after)
}

/// The character whose number these digits are, and what follows them.
fn digits(text: &str, count: usize, radix: u32) -> Option<(char, &str)> {
    let (number, after) = text.split_at_checked(count)?;
    let is_number = number.chars().all(|digit| digit.is_digit(radix));
    let code = u32::from_str_radix(number, radix).ok().filter(|_| is_number)?;
    Some((char::from_u32(code)?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_read_as_documented() {
        for (written, said) in [
            (r"a\tb\\c\nd", "a\tb\\c\nd"),
            (r"it''s it\'s", "it's it's"),
            (r"\u26c4\x21\041\101", "\u{26c4}!!A"),
            (r"\0\08\1\z\Z\a\%", "\0\u{0}81zZa%"),
            ("", ""),
        ] {
            assert_eq!(plain(written).as_deref(), Ok(said), "{written}");
        }
        for bad in [r"\x4", r"\u12", r"\xgg", r"\ud83d"] {
            assert!(plain(bad).is_err(), "{bad}");
        }
    }
}
