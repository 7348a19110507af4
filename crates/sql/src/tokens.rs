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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::parse;

    #[test]
    fn views_are_renamed_and_other_statements_left_alone() {
        let all = parse("alter view a.b rename to c; select rename from view; alter view x as select 1").unwrap();
        let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["ALTER TABLE a.b RENAME TO c", "SELECT rename FROM view", "ALTER VIEW x AS SELECT 1"]);
    }
}
