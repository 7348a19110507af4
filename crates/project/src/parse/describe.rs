//! Descriptions: Jinja with `doc()`.

use millstream_core::Place;
use millstream_jinja::{ParseContext, Template};

use super::Loading;
use crate::config::render::is_jinja;

/// A rendered description and the docs blocks that it uses, as unique ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Described {
    pub text: String,
    pub doc_blocks: Vec<String>,
}

/// Renders a description that stands at `place` in a file of `package`.
pub(crate) fn describe(loading: &Loading, package: &str, text: &str, place: &Place) -> Described {
    if !is_jinja(text) {
        return Described { text: text.to_owned(), doc_blocks: Vec::new() };
    }
    let template = Template { package, path: &place.file, text, line: place.line.unwrap_or(1) };
    match loading.environment.parse(&template, &ParseContext::default()) {
        Ok(parsed) => {
            let calls = parsed.docs.iter();
            let doc_blocks =
                calls.filter_map(|(named, name)| block(loading, package, named.as_deref(), name)).collect();
            Described { text: parsed.text, doc_blocks }
        }
        Err(error) => {
            loading.report_error("jinja", &error, place.clone());
            Described { text: text.to_owned(), doc_blocks: Vec::new() }
        }
    }
}

/// The unique id of a docs block: of the named package, or of the text's own, the root project or any other.
fn block(loading: &Loading, package: &str, named: Option<&str>, name: &str) -> Option<String> {
    let id = |package: &str| Some(format!("doc.{package}.{name}")).filter(|id| loading.docs.contains(id));
    match named {
        Some(named) => id(named),
        None => id(package).or_else(|| loading.packages.iter().find_map(|package| id(&package.name))),
    }
}
