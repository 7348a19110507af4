//! `package-lock.yml`: the packages that were resolved, in dbt's form and with dbt's hash of the declarations
//! (<https://docs.getdbt.com/reference/commands/deps#predictable-package-installs>).

use std::path::Path;

use millstream_core::{Error, Result};
use millstream_project::{LoadOptions, PackageSource, PackageSpec, read_package_list};
use serde_json::Value;
use sha1::{Digest, Sha1};

use super::Pinned;

/// Name of the file.
pub const FILE: &str = "package-lock.yml";

/// A lock.
#[derive(Debug, Clone)]
pub struct Lock {
    /// The packages.
    pub packages: Vec<Pinned>,
    /// Hash of the declarations that they were resolved from.
    pub hash: String,
}

/// dbt's hash of declarations: sha1 over their sorted JSON lines.
pub fn hash(declarations: &[Value]) -> String {
    let mut lines: Vec<String> = declarations.iter().map(python_json).collect();
    lines.sort();
    Sha1::digest(lines.join("\n").as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// JSON as Python's `json.dumps(…, sort_keys=True)` writes it.
fn python_json(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let pairs = keys
                .iter()
                .map(|key| format!("{}: {}", python_json(&Value::from(key.as_str())), python_json(&map[*key])));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(python_json).collect::<Vec<_>>().join(", ")),
        Value::Number(number) if number.is_f64() => format!("{:?}", number.as_f64().unwrap_or_default()),
        Value::String(text) => {
            let mut out = String::new();
            let mut units = [0_u16; 2];
            for c in Value::from(text.as_str()).to_string().chars() {
                if c.is_ascii() {
                    out.push(c);
                } else {
                    c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
                }
            }
            out
        }
        other => other.to_string(),
    }
}

impl Lock {
    /// The lock of a project; none if there is no file.
    pub fn read(project: &Path, options: &LoadOptions) -> Result<Option<Self>> {
        let path = project.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Error::environment(format!("{FILE} cannot be read")).why(error))?;
        let (specs, hash) = read_package_list(&text, FILE, options)
            .map_err(|error| error.hint("remove the file, or resolve anew with 'millstream deps --upgrade'"))?;
        let pinned = |spec: &PackageSpec| Pinned {
            name: spec.written.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            source: spec.source.clone(),
            written: None,
        };
        Ok(Some(Self { packages: specs.iter().map(pinned).collect(), hash: hash.unwrap_or_default() }))
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, project: &Path) -> Result<()> {
        super::install::replace(&project.join(FILE), &self.text())
    }

    /// The file: keys sorted, as dbt writes them.
    pub fn text(&self) -> String {
        let mut out = String::from("packages:\n");
        for package in &self.packages {
            let mut keys = vec![("name", package.name.clone())];
            match &package.source {
                PackageSource::Local { path } => keys.push(("local", path.clone())),
                PackageSource::Git { url, revision, subdirectory, .. } => {
                    keys.push(("git", package.written.clone().unwrap_or_else(|| url.clone())));
                    keys.extend(revision.clone().map(|revision| ("revision", revision)));
                    keys.extend(subdirectory.clone().map(|folder| ("subdirectory", folder)));
                }
                PackageSource::Tarball { url, .. } => {
                    keys.push(("tarball", package.written.clone().unwrap_or_else(|| url.clone())));
                }
                PackageSource::Hub { name, versions, .. } => {
                    keys.push(("package", name.clone()));
                    keys.extend(versions.first().cloned().map(|version| ("version", version)));
                }
            }
            keys.sort();
            for (position, (key, value)) in keys.iter().enumerate() {
                let start = if position == 0 { "  - " } else { "    " };
                out.push_str(&format!("{start}{key}: {}\n", scalar(value)));
            }
        }
        format!("{out}sha1_hash: {}\n", self.hash)
    }
}

/// A text as YAML: quoted where it would be read as something else.
pub fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '.' | '_'))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@".contains(c))
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    // An address has a colon that no blank follows; a version is no number as long as it has two dots.
    let address = text.contains("://") && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@:~%=&?".contains(c));
    let version = text.matches('.').count() >= 2
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c));
    if plain || address || version { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn hashes_are_dbts() {
        // What `_create_sha1_hash` of dbt-core 1.11.16 gives for the same declarations.
        let local = json!({"local": "../x", "unrendered": {"local": "../x"}});
        assert_eq!(hash(&[local]), "2eb88687c82ae2cd966a476e338919651d83079e");
        let git = json!({"git": "https://a/b.git", "revision": 1.0, "subdirectory": null, "warn-unpinned": null,
            "unrendered": {"git": "https://a/b.git", "revision": 1.0}});
        assert_eq!(hash(&[git]), "bc6bd15acf2f062b37f35c93db6e3f5378a12353");
        let hub = json!({"install_prerelease": false, "package": "dbt-labs/dbt_utils", "version": "1.1.1",
            "unrendered": {"package": "dbt-labs/dbt_utils", "version": "1.1.1"}});
        let local = json!({"local": "a", "unrendered": {"local": "a"}});
        assert_eq!(hash(&[local.clone(), hub.clone()]), hash(&[hub, local]), "the order does not count");
    }

    #[test]
    fn texts_that_yaml_would_misread_are_quoted() {
        for (text, written) in [
            ("1.1.1", "1.1.1"),
            ("1.0", "'1.0'"),
            ("https://a/b.git", "https://a/b.git"),
            ("main", "main"),
            ("yes", "'yes'"),
            ("../x", "../x"),
            ("123456", "'123456'"),
            ("it's", "'it''s'"),
            ("0e12", "'0e12'"),
        ] {
            assert_eq!(scalar(text), written);
        }
    }
}
