//! A project in a temporary folder.

use std::path::Path;

use chrono::{DateTime, TimeZone, Utc};
use millstream_core::Result;
use millstream_project::{LoadOptions, Project, load};

/// What a case gets when it does not write these files itself.
const DEFAULTS: [(&str, &str); 2] = [
    ("dbt_project.yml", "name: shop\nversion: '1.0'\nprofile: shop\n"),
    ("profiles.yml", "shop:\n  target: dev\n  outputs:\n    dev: {type: millstream, schema: main, threads: 2}\n"),
];

/// A folder that goes away with the value.
pub struct Sandbox {
    dir: tempfile::TempDir,
}

impl Sandbox {
    /// A project with these files, and the default `dbt_project.yml` and `profiles.yml` unless they are among them.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let sandbox = Self { dir: tempfile::tempdir().unwrap() };
        DEFAULTS.into_iter().for_each(|(path, text)| sandbox.write(path, text.as_bytes()));
        files.into_iter().for_each(|(path, text)| sandbox.write(path, text.as_bytes()));
        sandbox
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Options with a fixed clock and id, and an environment of one variable.
    pub fn options(&self) -> LoadOptions {
        let mut options = LoadOptions::new(self.path(), now(), "00000000-0000-0000-0000-000000000000");
        options.env.insert("SHOP_BROKERS".into(), "broker:9092".into());
        options
    }

    pub fn load(&self) -> Result<Project> {
        load(&self.options())
    }
}

pub fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 2, 3, 4, 5).unwrap()
}

/// What `target/manifest.json` would hold.
pub fn manifest_text(project: &millstream_project::Project) -> String {
    let mut text = Vec::new();
    project.write_manifest(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// The same as a value.
pub fn manifest_json(project: &millstream_project::Project) -> serde_json::Value {
    serde_json::from_str(&manifest_text(project)).unwrap()
}
