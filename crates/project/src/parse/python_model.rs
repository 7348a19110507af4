//! What a Python model says of itself: `dbt.ref(…)`, `dbt.source(…)` and `dbt.config(…)` with written-down arguments.
//!
//! Guarantees: text in strings and comments is no call; arguments that are computed are left out, as dbt refuses them.
//! Deliberately absent: running the model, which this engine does not do; its place in the graph, its configuration and
//! its tests are known all the same, so that the rest of the project builds.

use indexmap::IndexMap;
use millstream_jinja::{Parsed, RefCall, SourceCall};
use serde_json::{Map, Value};

use super::draft::Draft;

/// Finds the calls.
pub(crate) fn parse(draft: &Draft) -> Parsed {
    let mut parsed = Parsed { text: draft.text.clone(), ..Parsed::default() };
    let mut scanner = Scanner { text: &draft.text, at: 0, depth: 0 };
    while let Some((start, call)) = scanner.next_call() {
        let (positional, named) = scanner.arguments();
        let text = |index: usize| positional.get(index)?.as_ref()?.as_str().map(str::to_owned);
        let (line, column) = place(draft, start);
        let file = draft.file.clone();
        match (call, text(0), text(1)) {
            ("ref", Some(first), second) => {
                let (package, name) = match second {
                    Some(name) => (Some(first), name),
                    None => (None, first),
                };
                let version = named.get("version").or_else(|| named.get("v")).map(crate::parse::python::str_of);
                parsed.refs.push(RefCall { package, name, version, line, column, file });
            }
            ("source", Some(source), Some(table)) => {
                parsed.sources.push(SourceCall { source, table, line, column, file });
            }
            ("config", ..) => parsed.configs.push(named),
            _ => {}
        }
    }
    parsed
}

/// Line and column of a position in the draft's text.
fn place(draft: &Draft, at: usize) -> (u32, u32) {
    let before = &draft.text[..at];
    let line = u32::try_from(before.matches('\n').count()).unwrap_or(0);
    let column = 1 + before.rsplit('\n').next().unwrap_or("").chars().count();
    (draft.line + line, u32::try_from(column).unwrap_or(u32::MAX))
}

/// Values without names, `None` for one that is computed, and those with names.
type Arguments = (Vec<Option<Value>>, IndexMap<String, Value>);

/// Brackets inside each other that are read; what is deeper counts as computed.
const DEPTH_MAX: u32 = 50;

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    /// Goes on if the text does.
    fn eat(&mut self, expected: char) -> bool {
        let is_there = self.peek() == Some(expected);
        if is_there {
            self.bump();
        }
        is_there
    }

    /// White space, newlines and comments.
    fn skip_blank(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                c if c.is_whitespace() || c == '\\' => self.bump(),
                _ => return,
            }
        }
    }

    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// The next `dbt.ref(` or its like: where it starts and what is called. Stands behind the bracket.
    fn next_call(&mut self) -> Option<(usize, &'a str)> {
        let mut behind_dot = false;
        while let Some(c) = self.peek() {
            let start = self.at;
            let was_behind_dot = std::mem::replace(&mut behind_dot, c == '.');
            match c {
                '#' => self.skip_blank(),
                '"' | '\'' => drop(self.string()),
                c if c.is_alphanumeric() || c == '_' => {
                    if self.name() != "dbt" || was_behind_dot || self.peek() != Some('.') {
                        continue;
                    }
                    self.bump();
                    let call = self.name();
                    self.skip_blank();
                    if matches!(call, "ref" | "source" | "config") && self.eat('(') {
                        return Some((start, call));
                    }
                }
                _ => self.bump(),
            }
        }
        None
    }

    /// A string literal; escapes other than those of quotes and backslashes stay as they are. Stands at its quote.
    fn string(&mut self) -> String {
        let quote = if self.rest().starts_with('"') { '"' } else { '\'' };
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let end = if self.rest().starts_with(&triple) { triple } else { quote.to_string() };
        self.at += end.len();
        let mut out = String::new();
        while let Some(c) = self.peek() {
            if self.rest().starts_with(&end) {
                self.at += end.len();
                return out;
            }
            // A string of one line that does not end is no string; what follows is read on its own.
            if c == '\n' && end.len() == 1 {
                return out;
            }
            self.bump();
            match (c, self.peek()) {
                ('\\', Some(escaped @ ('"' | '\'' | '\\'))) => {
                    out.push(escaped);
                    self.bump();
                }
                _ => out.push(c),
            }
        }
        out
    }

    /// The arguments of a call, up to its closing bracket.
    fn arguments(&mut self) -> Arguments {
        let mut arguments = Arguments::default();
        loop {
            self.skip_blank();
            if self.peek().is_none() || self.eat(')') {
                return arguments;
            }
            let start = self.at;
            let name = self.name();
            self.skip_blank();
            let is_named = !name.is_empty() && self.rest().starts_with('=') && !self.rest().starts_with("==");
            if is_named {
                self.bump();
            } else {
                self.at = start;
            }
            let value = self.value();
            match (is_named, value) {
                (true, Some(value)) => drop(arguments.1.insert(name.to_owned(), value)),
                (true, None) => {}
                (false, value) => arguments.0.push(value),
            }
            // A bracket that closes nothing is passed over.
            if !self.eat(',') && self.at == start {
                self.bump();
            }
        }
    }

    /// A literal, up to the comma or bracket behind it; `None` for anything that is computed.
    fn value(&mut self) -> Option<Value> {
        self.skip_blank();
        let literal = match self.peek() {
            Some('"' | '\'') => Some(Value::String(self.string())),
            Some(open @ ('[' | '(' | '{')) if self.depth < DEPTH_MAX => {
                self.depth += 1;
                let inside = match open {
                    '[' => self.list(']'),
                    '(' => self.list(')'),
                    _ => self.dict(),
                };
                self.depth -= 1;
                inside
            }
            Some(c) if c.is_alphanumeric() || matches!(c, '_' | '-') => self.word(),
            _ => None,
        };
        self.skip_blank();
        if matches!(self.peek(), None | Some(',' | ')' | ']' | '}')) {
            return literal;
        }
        self.skip_expression();
        None
    }

    /// `True`, `None`, a number.
    fn word(&mut self) -> Option<Value> {
        let is_negative = self.eat('-');
        let start = self.at;
        self.name();
        if self.eat('.') {
            self.name();
        }
        let word = &self.text[start..self.at];
        match (word, is_negative) {
            ("True", false) => Some(Value::Bool(true)),
            ("False", false) => Some(Value::Bool(false)),
            ("None", false) => Some(Value::Null),
            _ => serde_json::from_str(&format!("{}{word}", if is_negative { "-" } else { "" })).ok(),
        }
    }

    /// A list or tuple of literals.
    fn list(&mut self, end: char) -> Option<Value> {
        self.bump();
        let mut items = Vec::new();
        loop {
            self.skip_blank();
            if self.eat(end) {
                return Some(Value::Array(items));
            }
            items.push(self.value()?);
            self.eat(',');
        }
    }

    /// A dict with texts for keys and literals for values.
    fn dict(&mut self) -> Option<Value> {
        self.bump();
        let mut entries = Map::new();
        loop {
            self.skip_blank();
            if self.eat('}') {
                return Some(Value::Object(entries));
            }
            let key = matches!(self.peek(), Some('"' | '\'')).then(|| self.string())?;
            self.skip_blank();
            let value = self.eat(':').then(|| self.value())??;
            entries.insert(key, value);
            self.eat(',');
        }
    }

    /// Goes to the comma or bracket that ends an argument.
    fn skip_expression(&mut self) {
        let mut depth = 0_u32;
        while let Some(c) = self.peek() {
            match c {
                '"' | '\'' => {
                    self.string();
                    continue;
                }
                '#' => {
                    self.skip_blank();
                    continue;
                }
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' if depth == 0 => return,
                ')' | ']' | '}' => depth -= 1,
                ',' if depth == 0 => return,
                _ => {}
            }
            self.bump();
        }
    }
}
