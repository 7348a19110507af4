//! The tokens of a template.

use std::borrow::Cow;

use crate::value::Value;

/// A token and the byte offset at which it starts.
#[derive(Debug, Clone)]
pub(crate) struct Token<'t> {
    pub(crate) kind: TokenKind<'t>,
    pub(crate) at: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind<'t> {
    /// Text outside of tags, newlines made `\n`.
    Data(Cow<'t, str>),
    /// `{{`
    VariableBegin,
    /// `}}`
    VariableEnd,
    /// `{%`
    BlockBegin,
    /// `%}`
    BlockEnd,
    Name(&'t str),
    /// A text with its escapes undone.
    Text(String),
    /// A number that is whole.
    Integer(Value),
    Float(f64),
    /// One of Jinja's operators and brackets.
    Operator(&'static str),
    /// The end of the template.
    End,
}

impl TokenKind<'_> {
    pub(crate) fn is(&self, operator: &str) -> bool {
        matches!(self, TokenKind::Operator(own) if *own == operator)
    }
    pub(crate) fn is_name(&self, name: &str) -> bool {
        matches!(self, TokenKind::Name(own) if *own == name)
    }
    /// The token in words, for errors.
    pub(crate) fn describe(&self) -> String {
        match self {
            TokenKind::Data(_) => "text".to_owned(),
            TokenKind::VariableBegin => "'{{'".to_owned(),
            TokenKind::VariableEnd => "the end of the expression".to_owned(),
            TokenKind::BlockBegin => "'{%'".to_owned(),
            TokenKind::BlockEnd => "the end of the tag".to_owned(),
            TokenKind::Name(name) => format!("'{name}'"),
            TokenKind::Text(_) => "a text".to_owned(),
            TokenKind::Integer(_) | TokenKind::Float(_) => "a number".to_owned(),
            TokenKind::Operator(operator) => format!("'{operator}'"),
            TokenKind::End => "the end of the template".to_owned(),
        }
    }
}
