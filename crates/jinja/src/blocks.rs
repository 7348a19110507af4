//! Splits a file into its top-level Jinja blocks (`macro`, `test`, `snapshot`, `docs`, …) without rendering it.
//!
//! Guarantees: strings, comments and `{% raw %}` are respected, so a `{% endmacro %}` inside a string ends nothing;
//! every block knows its line, and its body is the exact text between its tags.

use millstream_core::{Error, Result};

use crate::syntax::{Source, SyntaxError, scan};

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockKind {
    /// `{% macro %}`.
    Macro,
    /// `{% test %}` or `{% data_test %}`.
    Test,
    /// `{% snapshot %}`.
    Snapshot,
    /// `{% docs %}`.
    Docs,
    /// `{% materialization %}`.
    Materialization,
}

impl BlockKind {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "macro" => BlockKind::Macro,
            "test" | "data_test" => BlockKind::Test,
            "snapshot" => BlockKind::Snapshot,
            "docs" => BlockKind::Docs,
            "materialization" => BlockKind::Materialization,
            _ => return None,
        })
    }
}

/// One top-level block of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Its name.
    pub name: String,
    /// What stands between the parentheses of a macro or test, or after the name of a materialization.
    pub args: String,
    /// The text between the tags.
    pub body: String,
    /// The whole block with its tags.
    pub full: String,
    /// Line of the opening tag, from 1.
    pub line: u32,
    /// Column of the opening tag in characters, from 1.
    pub column: u32,
    /// Line on which the body starts.
    pub body_line: u32,
    /// Byte offset of the opening tag in the file.
    pub start: usize,
}

/// The top-level blocks of a file, in order. Text between blocks is ignored (as dbt does).
///
/// Errors: a block that is not closed, a tag that is not closed, an end tag without a start, a block inside another
/// block; with line and column.
pub fn extract_blocks(path: &str, text: &str) -> Result<Vec<Block>> {
    let source = Source::new("", path, text, 1);
    find(&source).map_err(|error| {
        Error::user(error.message.clone()).at(source.place(error.offset)).hint("see that every block has its end tag")
    })
}

/// As [`extract_blocks`], with the error not yet made into words.
pub(crate) fn find(source: &Source) -> std::result::Result<Vec<Block>, SyntaxError> {
    let text = &*source.text;
    let mut blocks = Vec::new();
    let mut open: Option<(BlockKind, scan::Tag<'_>)> = None;
    for tag in scan::tags(text)? {
        let refused = |message: String| Err(SyntaxError { message, offset: tag.start });
        if let Some(kind) = BlockKind::from_word(tag.word) {
            // dbt takes a test inside a docs block for text; so do we, by looking only for the end of the open block.
            match &open {
                Some((BlockKind::Docs, _)) => {}
                Some((_, outer)) => {
                    let (line, _) = source.position(outer.start);
                    return refused(format!("{{% {} %}} inside {{% {} %}} of line {line}", tag.word, outer.word));
                }
                None => open = Some((kind, tag)),
            }
            continue;
        }
        let Some(kind) = tag.word.strip_prefix("end").and_then(BlockKind::from_word) else { continue };
        match open.take() {
            Some((opened, start)) if opened == kind => blocks.push(block(source, kind, &start, &tag)?),
            Some(other @ (BlockKind::Docs, _)) => open = Some(other),
            Some((_, start)) => return refused(format!("{{% {} %}} does not end {{% {} %}}", tag.word, start.word)),
            None => return refused(format!("{{% {} %}} without a start", tag.word)),
        }
    }
    match open {
        Some((_, tag)) => {
            Err(SyntaxError { message: format!("{{% {} {} %}} is not ended", tag.word, tag.rest), offset: tag.start })
        }
        None => Ok(blocks),
    }
}

fn block(
    source: &Source,
    kind: BlockKind,
    start: &scan::Tag<'_>,
    end: &scan::Tag<'_>,
) -> std::result::Result<Block, SyntaxError> {
    let name_len = start.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(start.rest.len());
    let (name, rest) = start.rest.split_at(name_len);
    if name.is_empty() {
        return Err(SyntaxError { message: format!("{{% {} %}} has no name", start.word), offset: start.start });
    }
    let rest = rest.trim();
    let args = match kind {
        BlockKind::Macro | BlockKind::Test => rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')),
        _ => Some(rest.trim_start_matches(',')),
    };
    let Some(args) = args else {
        let message = format!("{{% {} {name} %}} needs parentheses: {name}(…)", start.word);
        return Err(SyntaxError { message, offset: start.start });
    };
    let (line, column) = source.position(start.start);
    let (body_line, _) = source.position(start.end);
    Ok(Block {
        kind,
        name: name.to_owned(),
        args: args.trim().to_owned(),
        body: source.text[start.end..end.start].to_owned(),
        full: source.text[start.start..end.end].to_owned(),
        line,
        column,
        body_line,
        start: start.start,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn blocks_know_name_arguments_body_and_line() {
        let text = "-- head\n{% macro a(x, y=')') -%}\nbody {% if x %}{% endif %}\n{%- endmacro %}\n\n\
                    {% snapshot s %}select 1{% endsnapshot %}\n{% docs d %}# T {% macro %}{% enddocs %}\n\
                    {% materialization m, adapter='x' %}{% endmaterialization %}{% data_test t(model) %}q{% enddata_test %}";
        let blocks = extract_blocks("f.sql", text).unwrap();
        let seen: Vec<_> = blocks.iter().map(|b| (b.kind, b.name.as_str(), b.args.as_str(), b.line)).collect();
        assert_eq!(
            seen,
            [
                (BlockKind::Macro, "a", "x, y=')'", 2),
                (BlockKind::Snapshot, "s", "", 6),
                (BlockKind::Docs, "d", "", 7),
                (BlockKind::Materialization, "m", "adapter='x'", 8),
                (BlockKind::Test, "t", "model", 8),
            ]
        );
        assert_eq!(blocks[0].body, "\nbody {% if x %}{% endif %}\n");
        assert_eq!(blocks[1].full, "{% snapshot s %}select 1{% endsnapshot %}");
    }

    #[test]
    fn an_end_tag_inside_a_string_or_comment_ends_nothing() {
        let text = "{% macro a() %}{{ '{% endmacro %}' }}{# {% endmacro %} #}{% raw %}{% endmacro %}{% endraw %}x{% endmacro %}";
        assert_eq!(extract_blocks("f.sql", text).unwrap().len(), 1);
    }

    #[test]
    fn broken_blocks_are_told_with_line_and_column() {
        for (text, place, word) in [
            ("\n  {% macro a() %}", "f.sql:2:3", "not ended"),
            ("{% endmacro %}", "f.sql:1:1", "without a start"),
            ("{% macro a() %}{% endtest %}", "f.sql:1:16", "does not end"),
            ("{% macro a() %}{% macro b() %}", "f.sql:1:16", "inside"),
            ("{% macro a %}{% endmacro %}", "f.sql:1:1", "parentheses"),
            ("{% macro () %}{% endmacro %}", "f.sql:1:1", "no name"),
        ] {
            let error = extract_blocks("f.sql", text).unwrap_err();
            assert_eq!(error.place().unwrap().to_string(), place);
            assert!(error.what().contains(word), "{}", error.what());
        }
    }
}
