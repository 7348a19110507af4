//! What users write and the parser does not read, mended before it reads.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// `alter view … rename to …` becomes `alter table … rename to …`, which means the same: places stay as they are.
pub(crate) fn mend(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut words: Vec<(usize, Keyword)> = Vec::new();
    let mut wrong = Vec::new();
    let mut see = |words: &[(usize, Keyword)]| {
        if let [(_, Keyword::ALTER), (view, Keyword::VIEW), rest @ ..] = words
            && rest.iter().any(|(_, keyword)| *keyword == Keyword::RENAME)
        {
            wrong.push(*view);
        }
    };
    for (at, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::Word(word) => words.push((at, word.keyword)),
            Token::SemiColon => {
                see(&words);
                words.clear();
            }
            _ => {}
        }
    }
    see(&words);
    for at in wrong {
        tokens[at].token = Token::Word(Word { value: "TABLE".into(), quote_style: None, keyword: Keyword::TABLE });
    }
    tokens
}

/// `from x window w as (…)`, where the parser takes `window` for an alias of `x`: it gets its own name for one, and a
/// subquery or `values` a name that nobody writes.
/// Source: docs.snowflake.com, "SELECT" (`window` follows `from` and the clauses after it).
pub(crate) fn name_before_window(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let missing = before_window(&tokens);
    if missing.is_empty() {
        return tokens;
    }
    let mut named = Vec::with_capacity(tokens.len() + missing.len() * 2);
    for (at, next) in tokens.into_iter().enumerate() {
        if let Some((_, name)) = missing.iter().find(|(own, _)| *own == at) {
            let span = next.span;
            let word = Word { value: "AS".into(), quote_style: None, keyword: Keyword::AS };
            named.push(TokenWithSpan { token: Token::Word(word), span });
            named.push(TokenWithSpan { token: Token::Word(name.clone()), span });
        }
        named.push(next);
    }
    named
}

/// Where a name is missing in front of `window`, and which.
fn before_window(tokens: &[TokenWithSpan]) -> Vec<(usize, Word)> {
    let seen: Vec<usize> = (0..tokens.len()).filter(|at| !matches!(tokens[*at].token, Token::Whitespace(_))).collect();
    let all: Vec<&Token> = seen.iter().map(|at| &tokens[*at].token).collect();
    let mut missing: Vec<(usize, Word)> = Vec::new();
    for (position, at) in seen.iter().enumerate() {
        let defines = keyword(&all, position) == Some(Keyword::WINDOW)
            && matches!(all.get(position + 1), Some(Token::Word(_)))
            && keyword(&all, position + 2) == Some(Keyword::AS);
        if defines && let Some(name) = position.checked_sub(1).and_then(|last| name_of_relation(&all, last)) {
            missing.push((*at, name));
        }
    }
    missing
}

fn keyword(all: &[&Token], position: usize) -> Option<Keyword> {
    match all.get(position) {
        Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}

/// What the relation whose last token this is can be called; none if it is no relation or has an alias.
fn name_of_relation(all: &[&Token], last: usize) -> Option<Word> {
    let follows_from = |first: usize| {
        let before = first.checked_sub(1).and_then(|before| keyword(all, before));
        matches!(before, Some(Keyword::FROM | Keyword::JOIN))
    };
    match all.get(last)? {
        Token::Word(name) => {
            // Back over the parts of a name.
            let mut first = last;
            while first >= 2 && matches!(all[first - 1], Token::Period) {
                first -= 2;
            }
            follows_from(first).then(|| name.clone())
        }
        Token::RParen => {
            let mut first = opening(all, last)?;
            // Back over the rows of `values`.
            while first >= 2 && matches!((all[first - 1], all[first - 2]), (Token::Comma, Token::RParen)) {
                first = opening(all, first - 2)?;
            }
            if first >= 1 && keyword(all, first - 1) == Some(Keyword::VALUES) {
                first -= 1;
            }
            let name = Word { value: "__relation".into(), quote_style: Some('"'), keyword: Keyword::NoKeyword };
            follows_from(first).then_some(name)
        }
        _ => None,
    }
}

/// The bracket that this one closes.
fn opening(all: &[&Token], closing: usize) -> Option<usize> {
    let mut depth = 0usize;
    for at in (0..=closing).rev() {
        match all[at] {
            Token::RParen => depth += 1,
            Token::LParen => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use millstream_core::warehouse::Dialect;

    use crate::{parse, parse_one_in};

    #[test]
    fn a_window_clause_is_no_alias() {
        for (written, read) in [
            ("select sum(a) over w from x window w as (order by a)", "FROM x AS x WINDOW w AS (ORDER BY a)"),
            ("select sum(a) over w from s.x window w as (order by a)", "FROM s.x AS x WINDOW w AS (ORDER BY a)"),
            ("select sum(a) over w from x as y window w as (order by a)", "FROM x AS y WINDOW w AS (ORDER BY a)"),
            ("select sum(a) over w from x where b window w as (order by a)", "WHERE b WINDOW w AS (ORDER BY a)"),
            ("select 1 from x window where window.a = 1", "FROM x window WHERE window.a = 1"),
            (
                "select 1 from (select 1) window w as (order by a)",
                "(SELECT 1) AS \"__relation\" WINDOW w AS (ORDER BY a)",
            ),
            ("select 1 from x where a in (1, 2) window w as (order by a)", "IN (1, 2) WINDOW w AS (ORDER BY a)"),
            ("select 1 from x join y using (a) window w as (order by a)", "USING(a) WINDOW w AS (ORDER BY a)"),
        ] {
            let text = parse_one_in(Dialect::Snowflake, written).unwrap().to_string();
            assert!(text.ends_with(read), "{text}");
        }
    }

    #[test]
    fn views_are_renamed_and_other_statements_left_alone() {
        let all = parse("alter view a.b rename to c; select rename from view; alter view x as select 1").unwrap();
        let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["ALTER TABLE a.b RENAME TO c", "SELECT rename FROM view", "ALTER VIEW x AS SELECT 1"]);
    }
}
