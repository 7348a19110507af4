//! Elements as their files alone tell: before configuration, yml properties and Jinja.

use millstream_core::{Diagnostic, Place};
use millstream_jinja::{BlockKind, extract_blocks};

use super::Loading;
use crate::files::{self, Found};
use crate::manifest::{Checksum, ResourceType};
use crate::package::Package;

/// An element as its file alone tells.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// What it is.
    pub kind: ResourceType,
    /// Index of its package.
    pub package: usize,
    /// Its name.
    pub name: String,
    /// Its unique id.
    pub unique_id: String,
    /// Path relative to the folder of its kind.
    pub path: String,
    /// Path relative to the package.
    pub original_file_path: String,
    /// The file as messages show it.
    pub file: String,
    /// Name in the selector syntax.
    pub fqn: Vec<String>,
    /// The text before rendering.
    pub text: String,
    /// Line of the file on which the text starts.
    pub line: u32,
    /// Fingerprint.
    pub checksum: Checksum,
    /// Where it is defined.
    pub place: Place,
    /// Version of a versioned model, and the latest one.
    pub version: Option<(String, String)>,
    /// Tags that it has by what it is (operations).
    pub tags: Vec<String>,
    /// Position among hooks of its kind.
    pub index: Option<usize>,
}

impl Draft {
    /// Whether it is a model in Python.
    pub(crate) fn is_python(&self) -> bool {
        self.kind == ResourceType::Model && self.path.ends_with(".py")
    }
}

/// All models, seeds, snapshots in SQL files, singular tests and analyses of all packages.
pub(crate) fn read(loading: &Loading) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (index, package) in loading.packages.iter().enumerate() {
        let project = &package.file;
        let find = |folders: &[String], extension: &str| {
            loading.collecting(|diagnostics| package.find(folders, &[extension], diagnostics))
        };
        let models = find(&project.model_paths, "sql");
        drafts.extend(texts(loading, index, ResourceType::Model, &models));
        for found in find(&project.model_paths, "py") {
            drafts.extend(text(loading, index, ResourceType::Model, &found));
        }
        for found in find(&project.seed_paths, "csv") {
            drafts.extend(seed(loading, index, &found));
        }
        for found in find(&project.snapshot_paths, "sql") {
            drafts.extend(snapshots(loading, index, &found));
        }
        for found in find(&project.test_paths, "sql") {
            // Generic tests are macros, fixtures are rows of unit tests.
            if !found.relative.starts_with("generic/") && !found.relative.starts_with("fixtures/") {
                drafts.extend(text(loading, index, ResourceType::Test, &found));
            }
        }
        for found in find(&project.analysis_paths, "sql") {
            drafts.extend(text(loading, index, ResourceType::Analysis, &found));
        }
    }
    drafts
}

/// Package and folders of a path, as the fqn begins.
pub(crate) fn fqn_prefix(package: &Package, relative: &str) -> Vec<String> {
    let mut fqn = vec![package.name.clone()];
    let mut parts: Vec<&str> = relative.split('/').collect();
    parts.pop();
    fqn.extend(parts.into_iter().map(str::to_owned));
    fqn
}

/// [`text`] of all files, on every core.
fn texts(loading: &Loading, index: usize, kind: ResourceType, found: &[Found]) -> impl Iterator<Item = Draft> {
    loading.each(found, |found| text(loading, index, kind, found)).into_iter().flatten()
}

/// An element that is all of a file, in SQL or Python.
fn text(loading: &Loading, index: usize, kind: ResourceType, found: &Found) -> Option<Draft> {
    let package = &loading.packages[index];
    let text = loading.collecting(|diagnostics| package.read(found, diagnostics))?;
    let file = package.label(&found.path);
    let name = found.stem().to_owned();
    let mut fqn = fqn_prefix(package, &found.relative);
    let mut path = found.relative.clone();
    if kind == ResourceType::Analysis {
        // dbt puts analyses under a folder of that name, whatever their real folder is called.
        fqn.insert(1, "analysis".into());
        path = format!("analysis/{path}");
    }
    fqn.push(name.clone());
    let trimmed = text.trim_start();
    let skipped = text[..text.len() - trimmed.len()].matches('\n').count();
    Some(Draft {
        kind,
        package: index,
        unique_id: format!("{kind}.{}.{name}", package.name),
        name,
        path,
        original_file_path: found.path.clone(),
        place: Place::line(&file, 1),
        file,
        fqn,
        checksum: sha256(files::text_checksum(&text)),
        line: 1 + u32::try_from(skipped).unwrap_or(0),
        text: trimmed.trim_end().to_owned(),
        version: None,
        tags: Vec::new(),
        index: None,
    })
}

fn seed(loading: &Loading, index: usize, found: &Found) -> Option<Draft> {
    let package = &loading.packages[index];
    let file = package.label(&found.path);
    let checksum = loading.collecting(|diagnostics| files::seed_checksum(&found.absolute, &file, diagnostics))?;
    let name = found.stem().to_owned();
    let mut fqn = fqn_prefix(package, &found.relative);
    fqn.push(name.clone());
    Some(Draft {
        kind: ResourceType::Seed,
        package: index,
        unique_id: format!("seed.{}.{name}", package.name),
        name,
        path: found.relative.clone(),
        original_file_path: found.path.clone(),
        place: Place::line(&file, 1),
        file,
        fqn,
        checksum: sha256(checksum),
        line: 1,
        text: String::new(),
        version: None,
        tags: Vec::new(),
        index: None,
    })
}

fn snapshots(loading: &Loading, index: usize, found: &Found) -> Vec<Draft> {
    let package = &loading.packages[index];
    let file = package.label(&found.path);
    let Some(text) = loading.collecting(|diagnostics| package.read(found, diagnostics)) else { return Vec::new() };
    let blocks = match extract_blocks(&file, &text) {
        Ok(blocks) => blocks,
        Err(error) => {
            loading.report_error("jinja", &error, Place::file(&file));
            return Vec::new();
        }
    };
    let snapshots: Vec<_> = blocks.into_iter().filter(|block| block.kind == BlockKind::Snapshot).collect();
    if snapshots.is_empty() {
        loading.report(
            Diagnostic::warning("no-snapshot", "the file holds no {% snapshot %} block")
                .at(Place::file(&file))
                .hint("put the query between {% snapshot name %} and {% endsnapshot %}"),
        );
    }
    let checksum = files::text_checksum(&text);
    let draft = |block: millstream_jinja::Block| {
        let mut fqn = fqn_prefix(package, &found.relative);
        // The fqn of a snapshot has the file name as well, because a file may hold several.
        fqn.extend([found.stem().to_owned(), block.name.clone()]);
        Draft {
            kind: ResourceType::Snapshot,
            package: index,
            unique_id: format!("snapshot.{}.{}", package.name, block.name),
            name: block.name,
            path: found.relative.clone(),
            original_file_path: found.path.clone(),
            place: Place::column(&file, block.line, block.column),
            file: file.clone(),
            fqn,
            text: block.body,
            line: block.body_line,
            checksum: sha256(checksum.clone()),
            version: None,
            tags: Vec::new(),
            index: None,
        }
    };
    snapshots.into_iter().map(draft).collect()
}

/// A sha256 checksum.
pub(crate) fn sha256(checksum: String) -> Checksum {
    Checksum { name: "sha256".into(), checksum }
}
