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

/// `from x window w as (…)`, where the parser takes `window` for an alias of `x`: it gets its own name for one.
/// Source: docs.snowflake.com, "SELECT" (`window` follows `from` and the clauses after it).
pub(crate) fn name_before_window(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let seen: Vec<usize> = (0..tokens.len()).filter(|at| !matches!(tokens[*at].token, Token::Whitespace(_))).collect();
    let token = |position: usize| seen.get(position).map(|at| &tokens[*at].token);
    let keyword = |position: usize| match token(position) {
        Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    };
    let mut missing: Vec<usize> = Vec::new();
    for (position, at) in seen.iter().enumerate() {
        let defines = keyword(position) == Some(Keyword::WINDOW)
            && matches!(token(position + 1), Some(Token::Word(_)))
            && keyword(position + 2) == Some(Keyword::AS);
        if !defines {
            continue;
        }
        // Back over the parts of a name.
        let Some(mut first) = position.checked_sub(1) else { continue };
        while first >= 2 && matches!(token(first - 1), Some(Token::Period)) {
            first -= 2;
        }
        let is_relation = first
            .checked_sub(1)
            .and_then(keyword)
            .is_some_and(|before| matches!(before, Keyword::FROM | Keyword::JOIN));
        if is_relation && matches!(token(position - 1), Some(Token::Word(_))) {
            missing.push(*at);
        }
    }
    if missing.is_empty() {
        return tokens;
    }
    let mut named = Vec::with_capacity(tokens.len() + missing.len() * 3);
    let mut last: Option<TokenWithSpan> = None;
    for (at, next) in tokens.into_iter().enumerate() {
        if missing.contains(&at)
            && let Some(name) = last.take()
        {
            let span = name.span;
            let word = Word { value: "AS".into(), quote_style: None, keyword: Keyword::AS };
            named.push(TokenWithSpan { token: Token::Word(word), span });
            named.push(name);
        }
        if matches!(next.token, Token::Word(_)) {
            last = Some(next.clone());
        }
        named.push(next);
    }
    named
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
