//! `manifest.json`: the project's own manifest, with the SQL that this run has rendered.

use std::path::Path;

use chrono::{DateTime, Utc};
use millstream_core::Result;
use millstream_project::{Metadata, Project};
use serde_json::Value;

use super::{atomic, instant};
use crate::NodeResult;

/// The dbt version whose schemas the artefacts follow; tools that read them look at it.
pub(crate) const DBT_VERSION: &str = "1.11.0";

/// Writes the file.
pub(crate) fn write(
    target_dir: &Path,
    project: &Project,
    results: &[NodeResult],
    invocation_id: &str,
    started_at: DateTime<Utc>,
    generated_at: DateTime<Utc>,
) -> Result<()> {
    let metadata = Metadata {
        generated_at: instant(generated_at),
        invocation_started_at: instant(started_at),
        invocation_id: invocation_id.to_owned(),
        ..project.metadata()
    };
    let mut document = project.manifest.to_json(&metadata);
    for result in results {
        let Some(code) = &result.compiled_code else { continue };
        let Some(Value::Object(node)) =
            document.pointer_mut("/nodes").and_then(|nodes| nodes.get_mut(&result.unique_id))
        else {
            continue;
        };
        node.insert("compiled".into(), true.into());
        node.insert("compiled_code".into(), code.clone().into());
        node.insert("compiled_path".into(), result.compiled_path.clone().into());
    }
    atomic::write(&target_dir.join("manifest.json"), document.to_string().as_bytes())
}
