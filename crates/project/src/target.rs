//! The target of a profile: where a project is built.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// One output of `profiles.yml`, rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Name of the profile.
    pub profile_name: String,
    /// Name of the output in the profile, for example `dev`.
    pub name: String,
    /// Kind of warehouse: `millstream`, `snowflake`, …
    pub kind: String,
    /// The workspace folder, absolute: `path` of a `millstream` target, for other types `workspace` or the variable
    /// `MILLSTREAM_WORKSPACE` (relative to the project folder); default `workspace`.
    pub path: PathBuf,
    /// Default schema of models.
    pub schema: String,
    /// Default database (`database` or `dbname`); of `millstream` targets the embedded warehouse's own, as in
    /// `{{ target.database }}.information_schema.tables`.
    pub database: Option<String>,
    /// Nodes that may run at once, at least 1.
    pub threads: usize,
    /// The whole output as it stands in `profiles.yml` after rendering. May hold secrets: never print it.
    pub raw: Map<String, Value>,
}

impl Target {
    /// What Jinja sees as `target`: the target's settings without those that look like secrets, plus `name`,
    /// `profile_name`, `target_name`, `type`, `schema`, `database` and `threads`.
    pub fn context(&self) -> Map<String, Value> {
        let mut context = Map::new();
        for (key, value) in &self.raw {
            if !is_secret(key) {
                context.insert(key.clone(), value.clone());
            }
        }
        context.insert("profile_name".into(), self.profile_name.clone().into());
        context.insert("name".into(), self.name.clone().into());
        context.insert("target_name".into(), self.name.clone().into());
        context.insert("type".into(), self.kind.clone().into());
        context.insert("schema".into(), self.schema.clone().into());
        context.insert("database".into(), self.database.clone().map_or(Value::Null, Value::from));
        context.insert("threads".into(), self.threads.into());
        context
    }
}

/// Whether a profile key holds something that must not reach templates or logs.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "pass", "secret", "token", "private_key", "passphrase", "api_key", "credential"]
        .iter()
        .any(|word| key == *word || key.contains("password") || (word.len() > 4 && key.contains(word)))
}
