//! Paths into values: `a.b[0]['c d']."E f"`, as GET_PATH and the `:` operator take them.

use super::{element, member, write};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A key, quoted as canonical text has it.
    Key(String),
    Index(usize),
}

/// A path, ready to be walked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Path(pub Vec<Step>);

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a path; write it like a.b[0]['c']");
        let mut steps = Vec::new();
        let mut rest = text.trim_start_matches(':').trim();
        let mut dotted = true;
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let inside = inside.trim_start();
                if let Some(quote) = inside.chars().next().filter(|char| matches!(char, '\'' | '"')) {
                    let (key, after) = quoted(&inside[1..], quote).ok_or_else(wrong)?;
                    steps.push(key_step(&key));
                    rest = after.trim_start().strip_prefix(']').ok_or_else(wrong)?;
                } else {
                    let (index, after) = inside.split_once(']').ok_or_else(wrong)?;
                    steps.push(Step::Index(index.trim().parse().map_err(|_| wrong())?));
                    rest = after;
                }
                dotted = false;
                continue;
            }
            if let Some(after) = rest.strip_prefix('.') {
                if dotted {
                    return Err(wrong());
                }
                rest = after;
                dotted = true;
                if rest.is_empty() {
                    return Err(wrong());
                }
                continue;
            }
            if !dotted {
                return Err(wrong());
            }
            dotted = false;
            if let Some(inside) = rest.strip_prefix('"') {
                let (key, after) = quoted(inside, '"').ok_or_else(wrong)?;
                steps.push(key_step(&key));
                rest = after;
                continue;
            }
            let stop = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(key_step(&rest[..stop]));
            rest = &rest[stop..];
        }
        Ok(Self(steps))
    }

    /// What the path leads to.
    pub(crate) fn walk<'a>(&self, json: &'a str) -> Option<&'a str> {
        self.0.iter().try_fold(json, |json, step| match step {
            Step::Key(key) => member(json, key),
            Step::Index(index) => element(json, *index),
        })
    }
}

fn key_step(key: &str) -> Step {
    let mut quoted = String::with_capacity(key.len() + 2);
    write::string(key, &mut quoted);
    Step::Key(quoted)
}

/// The text up to the closing quote (a doubled one is one of the text), and what follows.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        if char == quote {
            let after = &text[at + 1..];
            if !after.starts_with(quote) {
                return Some((out, after));
            }
            chars.next();
        }
        out.push(char);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_walk() {
        let json = r#"{"a":{"b":[{"c d":1},{"E.f":2}]}}"#;
        for (path, wanted) in [
            ("a.b[0]['c d']", Some("1")),
            ("a.b[1].\"E.f\"", Some("2")),
            ("['a'][\"b\"][1]", Some(r#"{"E.f":2}"#)),
            ("A", None),
            ("a.b[7]", None),
        ] {
            assert_eq!(Path::parse(path).map(|path| path.walk(json)), Ok(wanted), "{path}");
        }
        for bad in ["a..b", "a[", "a[x]", "a.", "a['b'", ".a", "a[0]b"] {
            assert!(Path::parse(bad).is_err(), "{bad}");
        }
    }
}
