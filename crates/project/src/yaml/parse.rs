//! Events of the YAML parser into a tree with places.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};
use millstream_core::{Diagnostic, Diagnostics};

use super::{Entry, Kind, Mark, Yaml, scalar};
use crate::limits::{YAML_DEPTH_MAX, YAML_VALUES_MAX};

/// Reads one document. Problems go to `diagnostics`; `None` when the text is not YAML.
/// An empty text is null. Duplicate keys are a warning, the last one wins, as with dbt.
pub(crate) fn parse(text: &str, file: &str, diagnostics: &mut Diagnostics) -> Option<Yaml> {
    let mut builder =
        Builder { file, diagnostics, stack: Vec::new(), anchors: HashMap::new(), values: 0, root: None, documents: 0 };
    let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    while let Some(event) = parser.next_event() {
        let outcome = match event {
            Ok((event, span)) => builder.event(event, &span),
            Err(error) => {
                let at = Mark { line: to_u32(error.marker().line()), column: to_u32(error.marker().col() + 1) };
                Err(Diagnostic::error("bad-yaml", format!("the file is not valid YAML: {}", error.info()))
                    .at(at.in_file(file))
                    .hint("check the indentation and quotes here and on the line above"))
            }
        };
        if let Err(diagnostic) = outcome {
            builder.diagnostics.push(diagnostic);
            return None;
        }
    }
    let at = Mark { line: 1, column: 1 };
    Some(builder.root.unwrap_or(Yaml::new(at, Kind::Null)))
}

fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A collection whose end has not been seen.
struct Open {
    at: Mark,
    anchor: usize,
    /// Deepest nesting inside, for the depth limit of aliases.
    height: usize,
    /// Values in it, for the size limit of aliases.
    size: usize,
    content: Content,
}

enum Content {
    List(Vec<Yaml>),
    Map { entries: Vec<Entry>, merges: Vec<Yaml>, key: Option<(String, Mark)> },
}

#[derive(Clone)]
struct Anchored {
    value: Yaml,
    height: usize,
    size: usize,
}

struct Builder<'a> {
    file: &'a str,
    diagnostics: &'a mut Diagnostics,
    stack: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    values: usize,
    root: Option<Yaml>,
    documents: usize,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Diagnostic> {
        let at = Mark { line: to_u32(span.start.line()), column: to_u32(span.start.col() + 1) };
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Diagnostic::error("bad-yaml", "the file holds more than one YAML document")
                        .at(at.in_file(self.file))
                        .hint("split the file at the '---' line"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let kind = scalar_kind(&text, style, tag.as_deref());
                let raw = text.into_owned();
                self.count(at, 1)?;
                let value = Yaml::new(at, kind);
                if anchor > 0 {
                    self.anchors.insert(anchor, Anchored { value: value.clone(), height: 0, size: 1 });
                }
                self.add(value, Some(raw), 0, 1)
            }
            Event::SequenceStart(_, anchor, _) => self.open(at, anchor, Content::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.open(at, anchor, Content::Map { entries: Vec::new(), merges: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let Some(anchored) = self.anchors.get(&anchor).cloned() else {
                    return Err(Diagnostic::error("bad-yaml", "an alias refers to the value that it is part of")
                        .at(at.in_file(self.file)));
                };
                self.count(at, anchored.size)?;
                if self.stack.len() + anchored.height > YAML_DEPTH_MAX {
                    return Err(self.too_deep(at));
                }
                let raw = anchored.value.scalar_text();
                self.add(anchored.value, raw, anchored.height, anchored.size)
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, at: Mark, values: usize) -> Result<(), Diagnostic> {
        self.values += values;
        if self.values <= YAML_VALUES_MAX {
            return Ok(());
        }
        Err(Diagnostic::error("too-large", format!("the file has more than {YAML_VALUES_MAX} YAML values"))
            .at(at.in_file(self.file))
            .hint("split the file, or use fewer aliases of large anchors"))
    }

    fn too_deep(&self, at: Mark) -> Diagnostic {
        Diagnostic::error("too-large", format!("YAML is nested more than {YAML_DEPTH_MAX} levels deep"))
            .at(at.in_file(self.file))
    }

    fn open(&mut self, at: Mark, anchor: usize, content: Content) -> Result<(), Diagnostic> {
        self.count(at, 1)?;
        if self.stack.len() >= YAML_DEPTH_MAX {
            return Err(self.too_deep(at));
        }
        self.stack.push(Open { at, anchor, height: 0, size: 1, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Diagnostic> {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        let kind = match open.content {
            Content::List(items) => Kind::List(items),
            Content::Map { entries, merges, .. } => Kind::Map(self.merged(entries, merges)?),
        };
        let value = Yaml::new(open.at, kind);
        let height = open.height + 1;
        if open.anchor > 0 {
            self.anchors.insert(open.anchor, Anchored { value: value.clone(), height, size: open.size });
        }
        self.add(value, None, height, open.size)
    }

    /// Puts a finished value into the collection that is open, or makes it the root.
    /// `raw` is the text of a scalar, in case that it turns out to be a key.
    fn add(&mut self, value: Yaml, raw: Option<String>, height: usize, size: usize) -> Result<(), Diagnostic> {
        let Some(open) = self.stack.last_mut() else {
            self.root.get_or_insert(value);
            return Ok(());
        };
        open.height = open.height.max(height);
        open.size += size;
        match &mut open.content {
            Content::List(items) => items.push(value),
            Content::Map { entries, merges, key } => match key.take() {
                None => {
                    let Some(text) = raw else {
                        return Err(Diagnostic::error("bad-yaml", "a list or mapping cannot be a key")
                            .at(value.at.in_file(self.file))
                            .hint("quote the value if it is Jinja: \"{{ … }}\""));
                    };
                    *key = Some((text, value.at));
                }
                Some((name, _)) if name == "<<" => merges.push(value),
                Some((name, at)) => {
                    if let Some(earlier) = entries.iter_mut().find(|entry| entry.key == name) {
                        self.diagnostics.push(
                            Diagnostic::warning(
                                "duplicate-key",
                                format!("key '{name}' occurs twice; the first is on line {}", earlier.at.line),
                            )
                            .at(at.in_file(self.file))
                            .hint("remove one of them: only the last one counts"),
                        );
                        *earlier = Entry { key: name, at, value };
                    } else {
                        entries.push(Entry { key: name, at, value });
                    }
                }
            },
        }
        Ok(())
    }

    /// Adds what `<<` brings in: own keys win, then earlier merges.
    fn merged(&self, mut entries: Vec<Entry>, merges: Vec<Yaml>) -> Result<Vec<Entry>, Diagnostic> {
        for merge in merges {
            let maps = match merge.kind {
                Kind::List(items) => items,
                _ => vec![merge],
            };
            for map in maps {
                let Kind::Map(others) = map.kind else {
                    return Err(Diagnostic::error("bad-yaml", "'<<' takes a mapping or a list of mappings")
                        .at(map.at.in_file(self.file)));
                };
                for other in others {
                    if !entries.iter().any(|entry| entry.key == other.key) {
                        entries.push(other);
                    }
                }
            }
        }
        Ok(entries)
    }
}

fn scalar_kind(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Kind {
    match tag.and_then(Tag::core_suffix) {
        Some("str") => return Kind::Text(text.into()),
        Some("int") => return scalar::int(text).map_or_else(|| Kind::Text(text.into()), Kind::Int),
        Some("float") => {
            return text.parse().map_or_else(|_| Kind::Text(text.into()), Kind::Float);
        }
        _ => {}
    }
    if style == ScalarStyle::Plain { scalar::resolve(text) } else { Kind::Text(text.into()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> (Option<Yaml>, Vec<String>) {
        let mut diagnostics = Diagnostics::new();
        let yaml = parse(text, "a.yml", &mut diagnostics);
        (yaml, diagnostics.into_iter().map(|diagnostic| diagnostic.to_string()).collect())
    }

    #[test]
    fn values_and_keys_know_their_places() {
        let (yaml, _) = read("a: 1\nb:\n  - x: yes\n    y: \"é: z\"\n");
        let yaml = yaml.unwrap();
        let item = &yaml.get("b").unwrap().items()[0];
        assert_eq!(item.entry("y").unwrap().at, Mark { line: 4, column: 5 });
        assert_eq!(item.get("y").unwrap().at, Mark { line: 4, column: 8 });
        assert_eq!(yaml.to_json(), json!({"a": 1, "b": [{"x": true, "y": "é: z"}]}));
    }

    #[test]
    fn anchors_and_merge_keys_expand() {
        let (yaml, problems) =
            read("base: &b {x: 1, y: 2}\nmore: &m {z: 9, y: 8}\nc:\n  <<: [*b, *m]\n  x: 3\nd: *b\n");
        assert_eq!(problems, Vec::<String>::new());
        let json = yaml.unwrap().to_json();
        assert_eq!(json["c"], json!({"x": 3, "y": 2, "z": 9}));
        assert_eq!(json["d"], json!({"x": 1, "y": 2}));
    }

    #[test]
    fn broken_yaml_tells_the_line() {
        let (yaml, problems) = read("a: [1,\nb: {\n");
        assert!(yaml.is_none());
        assert!(problems[0].starts_with("error[bad-yaml]"), "{problems:?}");
        assert!(problems[0].contains("--> a.yml:"), "{problems:?}");
    }

    #[test]
    fn unquoted_jinja_is_explained() {
        let (yaml, problems) = read("a: {{ var('x') }}\n");
        assert!(yaml.is_none());
        assert!(problems[0].contains("quote the value if it is Jinja"), "{problems:?}");
    }

    #[test]
    fn duplicate_keys_warn_and_the_last_wins() {
        let (yaml, problems) = read("a: 1\na: 2\n");
        assert_eq!(yaml.unwrap().to_json(), json!({"a": 2}));
        assert!(problems[0].starts_with("warning[duplicate-key]"));
    }

    #[test]
    fn expansion_of_aliases_is_bounded() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let below = level - 1;
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{below}"); 10].join(", ")));
        }
        let (yaml, problems) = read(&text);
        assert!(yaml.is_none());
        assert!(problems[0].contains("more than 500000 YAML values"), "{problems:?}");
    }

    #[test]
    fn nesting_is_bounded_also_through_aliases() {
        let deep = format!("a: &a {}1{}\nb: {}*a{}\n", "[".repeat(40), "]".repeat(40), "[".repeat(40), "]".repeat(40));
        let (yaml, problems) = read(&deep);
        assert!(yaml.is_none());
        assert!(problems[0].contains("more than 64 levels"), "{problems:?}");
    }

    #[test]
    fn a_file_may_have_its_limit_of_values_and_no_more() {
        let list = |values: usize| format!("[{}]", vec!["1"; values].join(","));
        assert!(read(&list(YAML_VALUES_MAX - 1)).0.is_some());
        assert!(read(&list(YAML_VALUES_MAX)).0.is_none());
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&nested(YAML_DEPTH_MAX)).0.is_some());
        assert!(read(&nested(YAML_DEPTH_MAX + 1)).0.is_none());
    }

    #[test]
    fn two_documents_are_refused() {
        let (yaml, problems) = read("a: 1\n---\nb: 2\n");
        assert!(yaml.is_none());
        assert!(problems[0].contains("more than one YAML document"));
    }
}
