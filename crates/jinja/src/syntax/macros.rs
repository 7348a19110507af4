//! Reads one macro, test or materialization block into a [`Macro`].

use std::sync::Arc;

use super::ast::{Macro, Stmt};
use super::parser::{SyntaxError, parse};
use crate::blocks::Block;

/// Reads a block; the name inside the result is the one the block has, not dbt's `test_…`.
pub(crate) fn read(block: &Block) -> Result<Arc<Macro>, SyntaxError> {
    let statements = parse(&block.full)?;
    match statements.into_iter().next() {
        Some(Stmt::Macro(definition)) => Ok(definition),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::extract_blocks;

    #[test]
    fn types_of_parameters_say_nothing_and_defaults_are_kept() {
        let text = "{% macro m(a: string, b: list[int] = {'x': ':'}, c: dict[string, any]=':') %}{% endmacro %}";
        let read = read(&extract_blocks("f.sql", text).unwrap()[0]).unwrap();
        let names: Vec<_> = read.parameters.iter().map(|(name, default)| (&**name, default.is_some())).collect();
        assert_eq!(names, [("a", false), ("b", true), ("c", true)]);
    }

    #[test]
    fn tests_and_materializations_are_read_as_macros() {
        let text = "{% test t(model, column_name) %}x{% endtest %}{% materialization m, adapter=\"a\", supported_languages=['sql'] %}y{% endmaterialization %}{% materialization n, default %}{% endmaterialization %}";
        let blocks = extract_blocks("f.sql", text).unwrap();
        assert_eq!(read(&blocks[0]).unwrap().parameters.len(), 2);
        assert_eq!(&*read(&blocks[1]).unwrap().name, "m");
        assert_eq!(&*read(&blocks[2]).unwrap().name, "n");
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
