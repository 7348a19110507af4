//! Which of a table's files are in runs, and which have indexes of their own.

use std::path::Path;
use std::sync::Arc;

use super::KeyIndexes;
use super::build;
use super::run::Run;
use super::runs::is_settled;
use crate::log::DataFile;

/// Files of one run.
pub(super) struct Part {
    pub run: Arc<Run>,
    /// By their numbers in the run.
    pub wanted: Vec<bool>,
    /// Their numbers, and their places in the list of files.
    pub places: Vec<(usize, usize)>,
}

/// Files by where their keys are.
#[derive(Default)]
pub(super) struct Covered {
    pub parts: Vec<Part>,
    /// Places in the list of files.
    pub rest: Vec<usize>,
}

impl KeyIndexes {
    /// Where the keys of these files are.
    pub(super) fn covered(&self, folder: &Path, id: u64, files: &[Arc<DataFile>]) -> Covered {
        let found = split(&self.runs.of(folder, id), files);
        // Another process may have put together what has no index of its own any more.
        let is_lost = |at: &usize| {
            let file = &files[*at];
            let has_own = build::place(folder, &file.add.path, id).is_none_or(|place| place.exists());
            is_settled(file) && !has_own && self.cache.get(&folder.join(&file.add.path), id).is_none()
        };
        match found.rest.iter().any(is_lost) {
            true => split(&self.runs.look(folder, id), files),
            false => found,
        }
    }
}

fn split(runs: &[Arc<Run>], files: &[Arc<DataFile>]) -> Covered {
    let part = |run: &Arc<Run>| Part { run: Arc::clone(run), wanted: vec![false; run.files.len()], places: Vec::new() };
    let mut parts: Vec<Part> = runs.iter().map(part).collect();
    let mut rest = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let place = |part: &mut Part| {
            let number = part.run.files.get(&file.add.path).copied().map(usize::from)?;
            part.wanted.get_mut(number).map(|wanted| *wanted = true)?;
            part.places.push((number, at));
            Some(())
        };
        if parts.iter_mut().find_map(place).is_none() {
            rest.push(at);
        }
    }
    parts.retain(|part| !part.places.is_empty());
    Covered { parts, rest }
}
