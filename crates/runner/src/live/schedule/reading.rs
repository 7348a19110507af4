//! `schedules.yml` as a tree, before it is known to be right.
//!
//! Guarantees: every key of every schedule is looked at by itself, so that one that is wrong hides none of the others; each
//! problem has the line of its schedule.
//!
//! Deliberately absent: what values mean, see [`super::declared`].

use std::collections::BTreeSet;

use millstream_core::{Diagnostic, Diagnostics, Error, Place, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::declared::{SCHEDULES_FILE, Shape};

/// Keys of the file.
const FILE_KEYS: [&str; 3] = ["version", "at_once", "schedules"];

/// Keys of a schedule, and what is written there.
const KEYS: [(&str, &str); 14] = [
    ("name", "write a text of one line"),
    ("cron", "write five fields: minute, hour, day of month, month, day of week, as in '0 3 * * *'"),
    ("timezone", "use a name of the tz database, for example Europe/Berlin"),
    ("command", "write build, run, test, snapshot, seed, source freshness or ingest"),
    ("select", "write a selector, or a list of them"),
    ("exclude", "write a selector, or a list of them"),
    ("selector", "write the name of a selection of selectors.yml"),
    ("full_refresh", "write true or false"),
    ("catch_up", "write all, last or none"),
    ("retries", "write a whole number"),
    ("retry_delay", "write 30s, 5 minutes, 2 hours or 1 day"),
    ("timeout", "write 30s, 5 minutes, 2 hours or 1 day"),
    ("at_once", "write a whole number"),
    ("paused", "write true or false"),
];

/// Keys without which there is no schedule, and what stands for them while the others are looked at.
const NEEDED: [(&str, &str); 3] = [("name", NAMELESS), ("cron", "@daily"), ("command", "build")];

/// What stands for a name that is missing or wrong.
pub(super) const NAMELESS: &str = "?";

/// What is written behind a key; none when there is no such key.
pub(super) fn hint(key: &str) -> Option<&'static str> {
    KEYS.iter().find(|(known, _)| *known == key).map(|(_, hint)| *hint)
}

/// The file, as far as it could be understood.
#[derive(Default)]
pub(super) struct Read {
    pub(super) version: Option<u32>,
    pub(super) at_once: Option<usize>,
    /// Each with its place. A key that is wrong is left out, or has a harmless value.
    pub(super) schedules: Vec<(Place, Shape)>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    schedules: Option<Vec<Spanned<Value>>>,
}

/// Reads the text, and tells what is wrong with its keys.
///
/// # Errors
/// It is no YAML, or no mapping with a list of schedules.
pub(super) fn read(text: &str, problems: &mut Diagnostics) -> Result<Read> {
    let not_understood = |error: &dyn std::fmt::Display, at: Option<serde_saphyr::Location>| {
        let place = at.map_or_else(|| Place::file(SCHEDULES_FILE), |at| place(&at));
        Error::user(format!("{SCHEDULES_FILE} cannot be understood"))
            .at(place)
            .why(error)
            .hint("write 'schedules:' and below it a list, each with name, cron and command")
    };
    let file: Map<String, Value> =
        tree(text).map_err(|error| not_understood(&error.without_snippet(), error.location()))?;
    let listed: Listed = tree(text).map_err(|error| not_understood(&error.without_snippet(), error.location()))?;
    let mut wrong = |message: String, hint: &str| {
        problems.push(Diagnostic::error("schedules-key", message).at(Place::file(SCHEDULES_FILE)).hint(hint));
    };
    for key in file.keys().filter(|key| !FILE_KEYS.contains(&key.as_str())) {
        wrong(format!("'{key}' is no key of the file"), &format!("there are {}", FILE_KEYS.join(", ")));
    }
    let mut number = |key: &str| {
        let value = file.get(key).filter(|value| !value.is_null())?;
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        if number.is_none() {
            wrong(format!("{key} is {value}"), "write a whole number");
        }
        number
    };
    let (version, at_once) = (number("version"), number("at_once").and_then(|number| usize::try_from(number).ok()));
    let listed = listed.schedules.unwrap_or_default();
    let schedules =
        listed.into_iter().filter_map(|one| schedule(place(&one.referenced), one.value, problems)).collect();
    Ok(Read { version, at_once, schedules })
}

/// Of what could be a truth value, only `true` and `false` are one: a name may be `on`.
fn tree<T: for<'de> Deserialize<'de>>(text: &str) -> std::result::Result<T, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, serde_saphyr::options! { strict_booleans: true })
}

/// A value as its key has it: texts may look like numbers or truth values, and truth values may be other words.
fn as_meant(key: &str, value: Value) -> Value {
    let is_truth = matches!(key, "full_refresh" | "paused");
    let is_text = matches!(key, "name" | "cron" | "timezone" | "selector" | "retry_delay" | "timeout");
    match value {
        Value::Bool(_) | Value::Number(_) if is_text => value.to_string().into(),
        Value::String(text) if is_truth => match text.to_ascii_lowercase().as_str() {
            "yes" | "y" | "on" => true.into(),
            "no" | "n" | "off" => false.into(),
            _ => text.into(),
        },
        other => other,
    }
}

fn place(at: &serde_saphyr::Location) -> Place {
    match u32::try_from(at.line()) {
        Ok(line) if line > 0 => Place::line(SCHEDULES_FILE, line),
        _ => Place::file(SCHEDULES_FILE),
    }
}

fn schedule(place: Place, value: Value, problems: &mut Diagnostics) -> Option<(Place, Shape)> {
    let mut wrong = |message: String, hint: &str| {
        problems.push(Diagnostic::error("schedule-key", message).at(place.clone()).hint(hint));
    };
    let Value::Object(mut keys) = value else {
        wrong("a schedule is no mapping".into(), "write its keys below each other, beginning with '- name:'");
        return None;
    };
    let name = match keys.get("name") {
        Some(Value::String(name)) => format!("schedule '{name}'"),
        _ => "a schedule".to_owned(),
    };
    let mut told = BTreeSet::new();
    let harmless = || NEEDED.map(|(key, value)| (key.to_owned(), Value::from(value)));
    keys.retain(|key, value| {
        let Some(hint) = hint(key) else {
            let known: Vec<&str> = KEYS.iter().map(|(known, _)| *known).collect();
            wrong(format!("{name}: '{key}' is no key of a schedule"), &format!("there are {}", known.join(", ")));
            return false;
        };
        *value = as_meant(key, value.take());
        let alone = harmless().into_iter().chain([(key.clone(), value.clone())]).collect();
        let is_right = serde_json::from_value::<Shape>(Value::Object(alone)).is_ok();
        if !is_right {
            wrong(format!("{name}: {key} is {value}"), hint);
            told.insert(key.clone());
        }
        is_right
    });
    for (key, value) in harmless() {
        if !keys.contains_key(&key) && !told.contains(&key) {
            wrong(format!("{name} has no {key}"), hint(&key).unwrap_or_default());
        }
        keys.entry(key).or_insert(value);
    }
    let shape = serde_json::from_value(Value::Object(keys)).ok()?;
    Some((place, shape))
}
