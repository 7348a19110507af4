//! `like`, `ilike`, their `any` and `all`, and `rlike`.
//!
//! The engine takes a backslash as the escape character of patterns. Snowflake has none unless `escape` names one, so
//! patterns that are written down are adapted, others when they run; only `escape` for those is refused.

use millstream_core::Result;
use sqlparser::ast::{Expr, Spanned, Value, ValueWithSpan};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::build::{self, all, any, call, nested};
use super::problem::unsupported;
use super::scope::Scope;

/// The pieces of a `like`.
pub(super) struct Like {
    pub expr: Expr,
    pub pattern: Expr,
    pub is_negated: bool,
    pub is_any: bool,
    pub ignores_case: bool,
    pub escape: Option<ValueWithSpan>,
}

impl Rewriter<'_> {
    pub(super) fn like(&mut self, like: Like, scope: &Scope) -> Result<Expr> {
        let mut like = like;
        let span = like.pattern.span();
        self.expr(&mut like.expr, scope)?;
        let escape = match &like.escape {
            None => None,
            Some(value) => Some(
                one_character(&value.value)
                    .ok_or_else(|| unsupported("this 'escape'", value.span, "write one character: escape '^'"))?,
            ),
        };
        let ignores_case = like.ignores_case;
        let one = |expr: Expr, pattern: Expr| {
            let (expr, pattern) = (Box::new(expr), Box::new(pattern));
            match ignores_case {
                true => Expr::ILike { negated: false, any: false, expr, pattern, escape_char: None },
                false => Expr::Like { negated: false, any: false, expr, pattern, escape_char: None },
            }
        };
        let is_all =
            matches!(&like.pattern, Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("all"));
        if !like.is_any && !is_all {
            self.expr(&mut like.pattern, scope)?;
            let pattern = escaped(like.pattern, escape, span)?;
            return Ok(negate(one(nested(like.expr), pattern), like.is_negated));
        }
        let patterns = list(like.pattern, span)?;
        let mut each = Vec::with_capacity(patterns.len());
        for mut pattern in patterns {
            let span = pattern.span();
            self.expr(&mut pattern, scope)?;
            each.push(nested(one(nested(like.expr.clone()), escaped(pattern, escape, span)?)));
        }
        let found = if is_all { all(each) } else { any(each) };
        Ok(negate(found, like.is_negated))
    }

    /// `x rlike p`: the whole text must match.
    pub(super) fn rlike(&mut self, expr: Expr, pattern: Expr, is_negated: bool, scope: &Scope) -> Result<Expr> {
        let (mut expr, mut pattern) = (expr, pattern);
        self.expr(&mut expr, scope)?;
        self.expr(&mut pattern, scope)?;
        Ok(negate(call("regexp_like", vec![expr, pattern]), is_negated))
    }
}

pub(super) fn negate(expr: Expr, is_negated: bool) -> Expr {
    if !is_negated {
        return expr;
    }
    Expr::UnaryOp { op: sqlparser::ast::UnaryOperator::Not, expr: Box::new(nested(expr)) }
}

/// The patterns of `any (…)` or `all (…)`.
fn list(pattern: Expr, span: Span) -> Result<Vec<Expr>> {
    let refused =
        || unsupported("a subquery behind 'like any' or 'like all'", span, "write the patterns: like any ('a%', 'b%')");
    match pattern {
        Expr::Tuple(patterns) => Ok(patterns),
        Expr::Nested(one) => Ok(vec![*one]),
        Expr::Function(function) => super::call::plain_args(function.args).ok_or_else(refused),
        Expr::Subquery(_) => Err(refused()),
        other => Ok(vec![other]),
    }
}

fn one_character(value: &Value) -> Option<char> {
    let Value::SingleQuotedString(text) = value else { return None };
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// The pattern with a backslash as its escape character. In one that is computed, backslashes are doubled when it runs.
fn escaped(pattern: Expr, escape: Option<char>, span: Span) -> Result<Expr> {
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), span: own }) = &pattern else {
        return match escape {
            None if matches!(pattern, Expr::Value(_)) => Ok(pattern),
            None => Ok(call("replace", vec![pattern, build::text("\\"), build::text("\\\\")])),
            Some('\\') => Ok(pattern),
            Some(_) => Err(unsupported("'escape' for a pattern that is computed", span, "write the pattern as a text")),
        };
    };
    let mut adapted = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(next) = chars.next() {
        if escape == Some(next) {
            adapted.push('\\');
            adapted.extend(chars.next());
        } else if next == '\\' {
            adapted.push_str("\\\\");
        } else {
            adapted.push(next);
        }
    }
    Ok(Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(adapted), span: *own }))
}

/// Whether a name is like a pattern, cases apart.
pub(super) fn matches_ilike(name: &str, pattern: &str) -> bool {
    fn matches(name: &[char], pattern: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('%', rest)) => (0..=name.len()).any(|skipped| matches(&name[skipped..], rest)),
            Some(('_', rest)) => name.split_first().is_some_and(|(_, name)| matches(name, rest)),
            Some((wanted, rest)) => {
                name.split_first().is_some_and(|(first, name)| first == wanted && matches(name, rest))
            }
        }
    }
    let chars = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    matches(&chars(name), &chars(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names() {
        assert!(matches_ilike("CUSTOMER_ID", "%_id"));
        assert!(matches_ilike("ab", "a_"));
        assert!(!matches_ilike("abc", "a_"));
        assert!(matches_ilike("", "%"));
    }
}
