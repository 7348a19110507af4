//! Reading a `millstream` object key by key, so that wrong types and unknown keys are all told at once.

use millstream_core::{Diagnostic, Diagnostics, Place};
use serde_json::{Map, Value};

use crate::nearest::nearest;

/// One `millstream` object being read. Every key that is asked for becomes known; [`Meta::finish`] tells the others.
pub(crate) struct Meta<'a> {
    object: Option<&'a Map<String, Value>>,
    owner: String,
    place: &'a Place,
    known: Vec<&'static str>,
    problems: &'a mut Diagnostics,
}

impl<'a> Meta<'a> {
    /// Starts on `value`, which belongs to `owner` (for messages: `source raw.users`, `column age of raw.users`).
    pub(crate) fn new(value: &'a Value, owner: String, place: &'a Place, problems: &'a mut Diagnostics) -> Self {
        let object = match value {
            Value::Object(object) => Some(object),
            Value::Null => None,
            _ => {
                let message = format!("{owner}: 'millstream' must be a mapping of keys");
                problems.push(Diagnostic::error("contract-shape", message).at(place.clone()));
                None
            }
        };
        Self { object, owner, place, known: Vec::new(), problems }
    }

    /// Tells a problem at this object's place.
    pub(crate) fn problem(&mut self, code: &'static str, message: impl std::fmt::Display, hint: Option<String>) {
        let mut diagnostic = Diagnostic::error(code, format!("{}: {message}", self.owner)).at(self.place.clone());
        if let Some(hint) = hint {
            diagnostic = diagnostic.hint(hint);
        }
        self.problems.push(diagnostic);
    }

    /// A key's value; explicit `null` counts as absent.
    pub(crate) fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        self.object?.get(key).filter(|value| !value.is_null())
    }

    /// A key that must be text.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<&'a str> {
        match self.value(key)? {
            Value::String(text) => Some(text),
            other => self.wrong(key, "text", other),
        }
    }

    /// A key that must be text, and must be there.
    pub(crate) fn needed_text(&mut self, key: &'static str, hint: &str) -> Option<&'a str> {
        if self.object.is_none_or(|object| object.get(key).is_none_or(Value::is_null)) {
            self.known.push(key);
            self.problem("contract-key-missing", format_args!("key '{key}' is missing"), Some(hint.to_owned()));
            return None;
        }
        self.text(key)
    }

    /// A key that must be true or false.
    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        match self.value(key)? {
            Value::Bool(flag) => Some(*flag),
            other => self.wrong(key, "true or false", other),
        }
    }

    /// A key that must be a number.
    pub(crate) fn number(&mut self, key: &'static str) -> Option<f64> {
        match self.value(key)? {
            Value::Number(number) => number.as_f64(),
            other => self.wrong(key, "a number", other),
        }
    }

    /// A key that must be a whole number, zero or more.
    pub(crate) fn size(&mut self, key: &'static str) -> Option<usize> {
        let value = self.value(key)?;
        match value.as_u64().and_then(|number| usize::try_from(number).ok()) {
            Some(number) => Some(number),
            None => self.wrong(key, "a whole number, zero or more", value),
        }
    }

    /// A key that must be a list of scalars, as texts.
    pub(crate) fn scalars(&mut self, key: &'static str) -> Option<Vec<String>> {
        let value = self.value(key)?;
        let texts: Option<Vec<String>> = value.as_array().and_then(|list| list.iter().map(scalar).collect());
        match texts {
            Some(texts) if !texts.is_empty() => Some(texts),
            _ => self.wrong(key, "a list of values, not empty", value),
        }
    }

    /// A key that must be one of a few words.
    pub(crate) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(key)?;
        if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*chosen);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let hint = nearest(text, words.iter().copied()).map(|word| format!("did you mean '{word}'?"));
        let message = format!("{key} '{text}' is not known; it is one of {}", words.join(", "));
        self.problem("contract-value", message, hint);
        None
    }

    /// Tells every key that nobody asked for.
    pub(crate) fn finish(mut self) {
        let Some(object) = self.object else { return };
        for key in object.keys().filter(|key| !self.known.contains(&key.as_str())).collect::<Vec<_>>() {
            let hint = match nearest(key, self.known.iter().copied()) {
                Some(word) => format!("did you mean '{word}'?"),
                None => format!("known keys: {}", self.known.join(", ")),
            };
            self.problem("contract-unknown-key", format_args!("key '{key}' is not known"), Some(hint));
        }
    }

    fn wrong<T>(&mut self, key: &str, expected: &str, found: &Value) -> Option<T> {
        self.problem("contract-value", format_args!("{key} must be {expected}, found {found}"), None);
        None
    }
}

/// The text of a scalar, as the user wrote it; `None` for lists and mappings.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
