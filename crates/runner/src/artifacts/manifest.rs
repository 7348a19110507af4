//! `manifest.json`: the project's own manifest, with the SQL that this run has rendered.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use millstream_core::Result;
use millstream_project::{Compiled, Metadata, Project};

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
    let compiled: BTreeMap<_, _> = results.iter().filter_map(rendered).collect();
    atomic::write_with(&target_dir.join("manifest.json"), |file| {
        project.manifest.write_json(&metadata, &compiled, file)
    })
}

/// What a result has of its node's SQL.
fn rendered(result: &NodeResult) -> Option<(&str, Compiled<'_>)> {
    let code = result.compiled_code.as_deref()?;
    Some((result.unique_id.as_str(), Compiled { code, path: result.compiled_path.as_deref() }))
}
