//! Python's patterns in the words of the `regex` crate.
//!
//! Braces that count nothing (`{{`), brackets in classes, `\Z`, and white space in classes of verbose patterns mean
//! something else there and are escaped. Assertions about what stands in front of the whole pattern, and one about what
//! follows it, are taken off and told apart: together with them the rest finds what Python's engine finds. Look-around
//! anywhere else, and back-references, stay, and are refused when the pattern is compiled.

/// A pattern without its outer assertions.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// `(?ix)` in front, which the assertions need as well.
    pub flags: String,
    /// `(?<=…)` (wanted) and `(?<!…)` (not wanted) in front.
    pub behind: Vec<(bool, String)>,
    /// What is to be found.
    pub body: String,
    /// `(?=…)` at the end.
    pub ahead: Option<String>,
}

/// Takes a pattern apart.
pub(super) fn parts(pattern: &str, is_verbose: bool) -> Parts {
    let all: Vec<char> = pattern.chars().collect();
    let (flags, start) = inline_flags(&all);
    let chars = Chars { verbose: is_verbose || flags.contains('x'), all };
    let mut parts = Parts { flags, behind: Vec::new(), body: String::new(), ahead: None };
    let (mut at, mut depth, mut is_begun, mut has_choice) = (start, 0_usize, false, false);
    while at < chars.all.len() {
        let outer = if depth == 0 { chars.assertion(at) } else { None };
        match outer {
            Some((opening @ ("(?<=" | "(?<!"), inner, end)) if !is_begun => {
                parts.behind.push((opening == "(?<=", inner));
                at = end;
                continue;
            }
            Some(("(?=", inner, end)) if chars.is_blank(end) => {
                parts.ahead = Some(inner);
                break;
            }
            _ => {}
        }
        match chars.all[at] {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => has_choice = true,
            _ => {}
        }
        let item = chars.item(at);
        is_begun |= !item.is_blank;
        parts.body.push_str(&item.text);
        at = item.end;
    }
    // An assertion belongs to one of the alternatives only.
    if has_choice && (parts.ahead.is_some() || !parts.behind.is_empty()) {
        let body = chars.translated(start, chars.all.len());
        return Parts { behind: Vec::new(), body, ahead: None, ..parts };
    }
    parts
}

/// `(?ix)` at the start, without what the crate does not know, and where the rest begins.
fn inline_flags(chars: &[char]) -> (String, usize) {
    let letters: String = chars.iter().skip(2).take_while(|c| c.is_ascii_alphabetic()).collect();
    let end = 2 + letters.len();
    if !chars.starts_with(&['(', '?']) || letters.is_empty() || chars.get(end) != Some(&')') {
        return (String::new(), 0);
    }
    let known: String = letters.chars().filter(|letter| "imsx".contains(*letter)).collect();
    (if known.is_empty() { known } else { format!("(?{known})") }, end + 1)
}

struct Chars {
    all: Vec<char>,
    verbose: bool,
}

/// The smallest thing that is read at once: a character, an escape, a class, a comment, a count.
struct Item {
    text: String,
    end: usize,
    /// White space or a comment of a verbose pattern.
    is_blank: bool,
}

impl Chars {
    fn get(&self, at: usize) -> Option<char> {
        self.all.get(at).copied()
    }

    fn item(&self, at: usize) -> Item {
        let Some(c) = self.get(at) else { return Item { text: String::new(), end: at + 1, is_blank: true } };
        let (text, end) = match c {
            '\\' => self.escape(at),
            '[' => self.class(at),
            '{' => self.count(at),
            '#' if self.verbose => {
                let rest = &self.all[at..];
                let end = at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
                return Item { text: String::new(), end, is_blank: true };
            }
            c => (c.to_string(), at + 1),
        };
        Item { text, end, is_blank: self.verbose && c.is_whitespace() }
    }

    fn translated(&self, from: usize, to: usize) -> String {
        let (mut at, mut out) = (from, String::new());
        while at < to {
            let item = self.item(at);
            out.push_str(&item.text);
            at = item.end;
        }
        out
    }

    /// Whether nothing but white space and comments follows.
    fn is_blank(&self, mut at: usize) -> bool {
        while at < self.all.len() {
            let item = self.item(at);
            if !item.is_blank {
                return false;
            }
            at = item.end;
        }
        true
    }

    /// The assertion that begins here: how it opens, what it asks for, where it ends.
    fn assertion(&self, at: usize) -> Option<(&'static str, String, usize)> {
        let opens = |opening: &str| opening.chars().enumerate().all(|(offset, c)| self.get(at + offset) == Some(c));
        let opening = ["(?<=", "(?<!", "(?="].into_iter().find(|opening| opens(opening))?;
        let inside = at + opening.len();
        let (mut depth, mut end) = (1_usize, inside);
        while end < self.all.len() {
            match self.all[end] {
                '(' => depth += 1,
                ')' if depth == 1 => return Some((opening, self.translated(inside, end), end + 1)),
                ')' => depth -= 1,
                _ => {}
            }
            end = self.item(end).end;
        }
        None
    }

    fn escape(&self, at: usize) -> (String, usize) {
        match self.get(at + 1) {
            Some('Z') => ("\\z".into(), at + 2),
            // The crate takes these for ends of words.
            Some(c @ ('<' | '>')) => (c.to_string(), at + 2),
            Some(c) => (format!("\\{c}"), at + 2),
            None => ("\\\\".into(), at + 1),
        }
    }

    /// `{2,3}`, or a brace.
    fn count(&self, at: usize) -> (String, usize) {
        let inside: String = self.all[at + 1..].iter().take_while(|c| c.is_ascii_digit() || **c == ',').collect();
        let end = at + 1 + inside.len();
        let is_count =
            self.get(end) == Some('}') && inside.chars().any(|c| c.is_ascii_digit()) && inside.matches(',').count() < 2;
        if !is_count {
            return ("\\{".into(), at + 1);
        }
        let zero = if inside.starts_with(',') { "0" } else { "" };
        (format!("{{{zero}{inside}}}"), end + 1)
    }

    fn class(&self, at: usize) -> (String, usize) {
        let mut out = String::from("[");
        let mut at = at + 1;
        if self.get(at) == Some('^') {
            out.push('^');
            at += 1;
        }
        let first = at;
        while let Some(c) = self.get(at) {
            match c {
                ']' if at > first => return (out + "]", at + 1),
                '\\' => {
                    let (text, end) = self.escape(at);
                    out.push_str(&text);
                    at = end;
                    continue;
                }
                '[' | ']' | '&' | '~' => out.extend(['\\', c]),
                '\n' if self.verbose => out.push_str("\\n"),
                '\t' if self.verbose => out.push_str("\\t"),
                ' ' | '#' if self.verbose => out.extend(['\\', c]),
                c => out.push(c),
            }
            at += 1;
        }
        (out, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(pattern: &str) -> String {
        parts(pattern, false).body
    }

    #[test]
    fn what_means_something_else_is_escaped() {
        assert_eq!(body(r"({{\s*ref)"), r"(\{\{\s*ref)");
        assert_eq!(body(r"a{2}b{,3}c{x}"), r"a{2}b{0,3}c\{x}");
        assert_eq!(body(r#"[^)'"[&]+[]a]"#), r#"[^)'"\[\&]+[\]a]"#);
        assert_eq!(body(r"a\Z\<b\>"), r"a\z<b>");
        assert_eq!(parts("(?ix) a # ( [\n [ #]", false).body, " a \n [\\ \\#]");
    }

    #[test]
    fn outer_assertions_are_told_apart() {
        let found = parts("(?ix)\n # not (this)\n (?<!distinct\\s) (from|join)(?=\\s|$) # end", false);
        assert_eq!(found.flags, "(?ix)");
        assert_eq!(found.behind, [(false, "distinct\\s".to_owned())]);
        assert_eq!(found.body.trim(), "(from|join)");
        assert_eq!(found.ahead.as_deref(), Some("\\s|$"));
    }

    #[test]
    fn other_assertions_stay() {
        for pattern in ["a(?=b)c", "(?<=a)b|c", "a(?!b)", "(b(?=c))", "a(?<=b)"] {
            let found = parts(pattern, false);
            assert_eq!((found.body.as_str(), found.ahead), (pattern, None));
            assert!(found.behind.is_empty());
        }
    }
}
