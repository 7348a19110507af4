//! `{% docs %}` blocks in Markdown files.

use std::collections::BTreeMap;

use millstream_core::{Diagnostic, Diagnostics, Place};
use millstream_jinja::{BlockKind, extract_blocks};

use crate::config::render;
use crate::manifest::Doc;
use crate::package::Package;

/// The docs blocks of a package, by unique id, added to `docs`.
pub(crate) fn read(package: &Package, docs: &mut BTreeMap<String, Doc>, diagnostics: &mut Diagnostics) {
    let project = &package.file;
    let mut folders = project.docs_paths.clone();
    if folders.is_empty() {
        for paths in [
            &project.model_paths,
            &project.seed_paths,
            &project.snapshot_paths,
            &project.analysis_paths,
            &project.macro_paths,
            &project.test_paths,
        ] {
            folders.extend(paths.iter().cloned());
        }
    }
    for found in package.find(&folders, &["md"], diagnostics) {
        let Some(text) = package.read(&found, diagnostics) else { continue };
        let label = package.label(&found.path);
        // Markdown without docs blocks may hold anything, broken Jinja too.
        if !text.contains("docs") || !text.contains("{%") {
            continue;
        }
        let blocks = match extract_blocks(&label, &text) {
            Ok(blocks) => blocks,
            Err(error) => {
                diagnostics.push(render::diagnostic("jinja", &error, Place::file(&label)));
                continue;
            }
        };
        for block in blocks.into_iter().filter(|block| block.kind == BlockKind::Docs) {
            let unique_id = format!("doc.{}.{}", package.name, block.name);
            if let Some(other) = docs.get(&unique_id) {
                diagnostics.push(
                    Diagnostic::error(
                        "duplicate",
                        format!(
                            "docs block '{}' occurs twice; the other one is in {}",
                            block.name, other.original_file_path
                        ),
                    )
                    .at(Place::column(&label, block.line, block.column))
                    .hint("rename or remove one of them"),
                );
                continue;
            }
            docs.insert(
                unique_id.clone(),
                Doc {
                    unique_id,
                    name: block.name,
                    package_name: package.name.clone(),
                    path: found.relative.clone(),
                    original_file_path: found.path.clone(),
                    block_contents: block.body.trim().to_owned(),
                },
            );
        }
    }
}
