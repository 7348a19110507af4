//! One criterion: `2+tag:nightly+`.

use millstream_core::{Error, Result};
use serde_json::Value;

use super::IndirectSelection;
use crate::names::did_you_mean;

/// Methods that are known.
pub(crate) const METHODS: &[&str] = &[
    "fqn",
    "tag",
    "group",
    "access",
    "source",
    "path",
    "file",
    "package",
    "config",
    "test_name",
    "test_type",
    "resource_type",
    "exposure",
    "version",
    "unit_test",
    "metric",
    "semantic_model",
    "saved_query",
    "state",
    "result",
    "source_status",
];

/// Methods that need artifacts of another run.
pub(super) const STATEFUL: &[&str] = &["state", "result", "source_status"];

/// One criterion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Criterion {
    /// Method: `tag`, `config`, …
    pub method: String,
    /// What follows the method's name after a point: `materialized` in `config.materialized`.
    pub arguments: Vec<String>,
    /// What to look for; text, unless `selectors.yml` gives a boolean or number.
    pub value: Value,
    /// `@`: descendants and all of their ancestors.
    pub childrens_parents: bool,
    /// `+` in front: ancestors, so many steps.
    pub parents: Option<Depth>,
    /// `+` behind: descendants, so many steps.
    pub children: Option<Depth>,
    /// How tests are drawn in, if it says so itself.
    pub indirect: Option<IndirectSelection>,
}

/// How many steps; `None` for all.
pub(crate) type Depth = Option<usize>;

impl Criterion {
    /// Reads `[@][N+][method:]value[+N]`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let bad = |why: &str| Err(Error::usage(format!("'{text}' is not a selector: {why}")));
        let (childrens_parents, rest) = text.strip_prefix('@').map_or((false, text), |rest| (true, rest));
        let (parents, rest) = match rest.split_once('+') {
            Some((digits, rest)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (Some(depth(digits, text)?), rest)
            }
            _ => (None, rest),
        };
        let (children, rest) = match rest.rsplit_once('+') {
            Some((rest, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (Some(depth(digits, text)?), rest)
            }
            _ => (None, rest),
        };
        if childrens_parents && children.is_some() {
            return bad("'@' in front and '+' behind exclude each other");
        }
        let is_method = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_.".contains(c));
        let (method, value) = match rest.split_once(':') {
            Some((method, value)) if is_method(method) => (method, value),
            _ => (default_method(rest), rest),
        };
        if value.is_empty() {
            return bad("there is nothing to look for");
        }
        let (method, arguments) = split_method(method)?;
        Ok(Self { method, arguments, value: value.into(), childrens_parents, parents, children, indirect: None })
    }

    /// The value as text.
    pub(crate) fn text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// Method and arguments of `config.meta.owner`.
pub(crate) fn split_method(method: &str) -> Result<(String, Vec<String>)> {
    let mut parts = method.split('.').map(str::to_owned);
    let name = parts.next().unwrap_or_default();
    if !METHODS.contains(&name.as_str()) {
        let fallback = format!("use one of: {}", METHODS.join(", "));
        return Err(Error::usage(format!("'{name}' is not a selector method")).hint(did_you_mean(
            &name,
            METHODS.iter().copied(),
            &fallback,
        )));
    }
    Ok((name, parts.collect()))
}

/// A value without a method is a path, a file or a name, as it looks.
fn default_method(value: &str) -> &'static str {
    let lower = value.to_ascii_lowercase();
    if value.contains('/') {
        "path"
    } else if [".sql", ".py", ".csv"].iter().any(|extension| lower.ends_with(extension)) {
        "file"
    } else {
        "fqn"
    }
}

fn depth(digits: &str, text: &str) -> Result<Depth> {
    if digits.is_empty() {
        return Ok(None);
    }
    digits.parse().map(Some).map_err(|_| Error::usage(format!("'{text}' is not a selector: '{digits}' is too large")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read() {
        let all = Criterion::parse("2+config.meta.owner:anna+3").unwrap();
        assert_eq!(all.method, "config");
        assert_eq!(all.arguments, ["meta", "owner"]);
        assert_eq!(all.value, "anna");
        assert_eq!((all.parents, all.children), (Some(Some(2)), Some(Some(3))));
        let plain = Criterion::parse("+a+").unwrap();
        assert_eq!((plain.method.as_str(), plain.parents, plain.children), ("fqn", Some(None), Some(None)));
        assert!(Criterion::parse("@a").unwrap().childrens_parents);
        assert_eq!(Criterion::parse("models/staging").unwrap().method, "path");
        assert_eq!(Criterion::parse("a.sql").unwrap().method, "file");
        assert_eq!(Criterion::parse("a.b.*").unwrap().method, "fqn");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_way_out() {
        assert!(Criterion::parse("@a+").unwrap_err().to_string().contains("exclude each other"));
        let error = Criterion::parse("tga:x").unwrap_err();
        assert_eq!(error.fix(), Some("did you mean 'tag'?"));
        assert_eq!(Criterion::parse("state:modified.body+").unwrap().value, "modified.body");
        assert!(Criterion::parse("tag:").unwrap_err().to_string().contains("nothing to look for"));
        assert!(Criterion::parse("99999999999999999999999+a").is_err());
    }
}
