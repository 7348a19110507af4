//! Reads one macro, test or materialization block into a [`Macro`].
//!
//! minijinja knows only `{% macro %}`, so the tags of the others are rewritten before it reads them; type annotations
//! (`x: string`, allowed since dbt 1.10) are blanked. Offsets are put back afterwards, so errors still point at the
//! user's text.

use std::sync::Arc;

use super::ast::{Macro, Stmt};
use super::lower::{SyntaxError, parse};
use super::scan;
use crate::blocks::{Block, BlockKind};

/// What was read from a block.
pub(crate) struct Read {
    pub(crate) definition: Arc<Macro>,
    /// Bytes by which offsets after the header are larger than in the user's text.
    pub(crate) shift: i64,
}

/// Reads a block; the name inside the result is the one the block has, not dbt's `test_…`.
pub(crate) fn read(block: &Block) -> Result<Read, SyntaxError> {
    let tags = scan::tags(&block.full)?;
    let (Some(first), Some(last)) = (tags.first(), tags.last()) else {
        return Err(SyntaxError { message: "the block has no tags".to_owned(), offset: 0 });
    };
    let args = match block.kind {
        BlockKind::Materialization => String::new(),
        _ => without_types(&block.args),
    };
    let close = if block.full[..first.end].ends_with("-%}") { "-%}" } else { "%}" };
    let open = if block.full[first.start..].starts_with("{%-") { "{%-" } else { "{%" };
    let header = format!("{open} macro {}({args}) {close}", block.name);
    let end_open = if block.full[last.start..].starts_with("{%-") { "{%-" } else { "{%" };
    let text = format!("{header}{}{end_open} endmacro %}}", &block.full[first.end..last.start]);
    let shift = header.len() as i64 - first.end as i64;
    let statements = parse(&text).map_err(|error| SyntaxError {
        offset: usize::try_from(error.offset as i64 - shift).unwrap_or(0).min(block.full.len()),
        ..error
    })?;
    match statements.into_iter().next() {
        Some(Stmt::Macro(definition)) => Ok(Read { definition, shift }),
        _ => Err(SyntaxError { message: "the block could not be read as a macro".to_owned(), offset: 0 }),
    }
}

/// The adapter that a materialization names: `default` if none.
pub(crate) fn adapter_of(args: &str) -> String {
    let named = args.split(',').find_map(|arg| {
        let (name, value) = arg.split_once('=')?;
        (name.trim() == "adapter").then(|| value.trim().trim_matches(['\'', '"']).to_owned())
    });
    named.unwrap_or_else(|| "default".to_owned())
}

/// `a: string, b: list[int] = [1]` without its types.
fn without_types(args: &str) -> String {
    let mut out = String::with_capacity(args.len());
    let mut depth = 0_usize;
    let mut quote = None;
    let mut in_type = false;
    let mut in_default = false;
    let mut escaped = false;
    for c in args.chars() {
        if let Some(mark) = quote {
            out.push(c);
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == mark {
                quote = None;
            }
            continue;
        }
        match c {
            '\'' | '"' => quote = Some(c),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => (in_type, in_default) = (false, false),
            '=' if depth == 0 => (in_type, in_default) = (false, true),
            ':' if depth == 0 && !in_default => in_type = true,
            _ => {}
        }
        out.push(if in_type && c != '\n' { ' ' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::extract_blocks;

    #[test]
    fn types_of_arguments_are_dropped_and_defaults_kept() {
        assert_eq!(
            without_types("a: string, b: list[int] = {'x': ':'}, c=':'"),
            "a        , b            = {'x': ':'}, c=':'"
        );
    }

    #[test]
    fn tests_and_materializations_are_read_as_macros() {
        let text = "{% test t(model, column_name) %}x{% endtest %}{% materialization m, adapter=\"a\" %}y{% endmaterialization %}";
        let blocks = extract_blocks("f.sql", text).unwrap();
        assert_eq!(read(&blocks[0]).unwrap().definition.parameters.len(), 2);
        assert_eq!(&*read(&blocks[1]).unwrap().definition.name, "m");
        assert_eq!(adapter_of(&blocks[1].args), "a");
        assert_eq!(adapter_of("default"), "default");
    }

    #[test]
    fn an_error_in_a_test_points_into_the_users_text() {
        let text = "{% data_test t(model) %}\n  {{ 1 +* }}{% enddata_test %}";
        let blocks = extract_blocks("f.sql", text).unwrap();
        let error = read(&blocks[0]).err().unwrap();
        assert!(text[error.offset..].starts_with("* }}"), "{error:?}");
    }
}
