//! Hooks of the whole run (`on-run-start`, `on-run-end`).

use super::Loading;
use super::draft::{Draft, sha256};
use crate::config::project_file::RunHook;
use crate::files::text_checksum;
use crate::manifest::ResourceType;

/// The hooks of all packages, as dbt runs them: the root project's and every package's.
pub(crate) fn read(loading: &Loading) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (index, package) in loading.packages.iter().enumerate() {
        for (kind, hooks) in [("on-run-start", &package.file.on_run_start), ("on-run-end", &package.file.on_run_end)] {
            let draft = |(position, hook): (usize, &RunHook)| {
                let name = format!("{}-{kind}-{position}", package.name);
                Draft {
                    kind: ResourceType::Operation,
                    package: index,
                    unique_id: format!("operation.{}.{name}", package.name),
                    path: format!("hooks/{name}.sql"),
                    original_file_path: "dbt_project.yml".into(),
                    file: hook.place.file.clone(),
                    fqn: vec![package.name.clone(), "hooks".into(), name.clone()],
                    text: hook.sql.clone(),
                    line: hook.place.line.unwrap_or(1),
                    checksum: sha256(text_checksum(&hook.sql)),
                    place: hook.place.clone(),
                    version: None,
                    tags: vec![kind.to_owned()],
                    index: Some(position),
                    name,
                }
            };
            drafts.extend(hooks.iter().enumerate().map(draft));
        }
    }
    drafts
}
