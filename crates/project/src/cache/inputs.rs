//! What a load has read of the file system, so that a later one knows whether anything has changed.
//!
//! Guarantees: every file is known by the hash of its content, every search by the names that it found; times are
//! never trusted. Everything that [`crate::files`] does is noted while [`recorded`] is at work on the same thread; work
//! on other threads is recorded there and handed over ([`note_all`]).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// sha256.
pub(crate) type Hash = [u8; 32];

/// What was read.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Inputs {
    /// Files and the hash of what was in them; `None`: it could not be read or was not there.
    files: BTreeMap<PathBuf, Option<Hash>>,
    /// Paths that were only asked for: whether a file is there.
    asked: BTreeMap<PathBuf, bool>,
    /// Folders that were searched, by extensions: the paths found, relative to the folder. `None`: no such folder.
    searched: BTreeMap<(PathBuf, Vec<String>), Option<Vec<String>>>,
    /// Folders whose entries were listed.
    listed: BTreeMap<PathBuf, Option<Vec<String>>>,
    /// Whether something was read that cannot be compared later.
    incomparable: bool,
}

thread_local! {
    static RECORDER: RefCell<Option<Inputs>> = const { RefCell::new(None) };
}

/// Does the work and notes what it reads. What is noted around it does not hear of that: see [`note_all`].
pub(crate) fn recorded<T>(work: impl FnOnce() -> T) -> (T, Inputs) {
    let around = RECORDER.replace(Some(Inputs::default()));
    let done = work();
    (done, RECORDER.replace(around).unwrap_or_default())
}

/// Whether anything is noted on this thread.
pub(crate) fn is_recorded() -> bool {
    RECORDER.with_borrow(Option::is_some)
}

/// Notes what other work, on whichever thread, has read.
pub(crate) fn note_all(more: Inputs) {
    note(|inputs| {
        inputs.files.extend(more.files);
        inputs.asked.extend(more.asked);
        inputs.searched.extend(more.searched);
        inputs.listed.extend(more.listed);
        inputs.incomparable |= more.incomparable;
    });
}

fn note(change: impl FnOnce(&mut Inputs)) {
    RECORDER.with_borrow_mut(|recorder| {
        if let Some(inputs) = recorder {
            change(inputs);
        }
    });
}

pub(crate) fn note_file(path: &Path, content: Option<&[u8]>) {
    note(|inputs| {
        inputs.files.insert(path.to_path_buf(), content.map(hash));
    });
}

/// A file whose hash is known already.
pub(crate) fn note_hash(path: &Path, hash: Hash) {
    note(|inputs| {
        inputs.files.insert(path.to_path_buf(), Some(hash));
    });
}

pub(crate) fn note_asked(path: &Path, is_file: bool) {
    note(|inputs| {
        inputs.asked.insert(path.to_path_buf(), is_file);
    });
}

pub(crate) fn note_search(folder: &Path, extensions: &[&str], found: Option<Vec<String>>) {
    note(|inputs| {
        let extensions = extensions.iter().map(|extension| (*extension).to_owned()).collect();
        inputs.searched.insert((folder.to_path_buf(), extensions), found);
    });
}

pub(crate) fn note_listing(folder: &Path, entries: Option<Vec<String>>) {
    note(|inputs| {
        inputs.listed.insert(folder.to_path_buf(), entries);
    });
}

/// Something was read of which no later load can tell whether it is the same.
pub(crate) fn note_incomparable() {
    note(|inputs| inputs.incomparable = true);
}

pub(crate) fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

impl Inputs {
    /// Whether the same work on the same machine would read the same again.
    pub(crate) fn is_comparable(&self) -> bool {
        !self.incomparable
    }

    /// Whether all is still as it was read.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.asked.iter().all(|(path, is_file)| path.is_file() == *is_file)
            && self.listed.iter().all(|(folder, entries)| crate::files::entry_names(folder) == *entries)
            && self.searches_are_unchanged()
            && self.files_are_unchanged()
    }

    /// Several searches look into one folder; it is walked once.
    fn searches_are_unchanged(&self) -> bool {
        let mut walked: BTreeMap<&Path, Option<Vec<String>>> = BTreeMap::new();
        self.searched.iter().all(|((folder, extensions), found)| {
            let all = walked.entry(folder).or_insert_with(|| crate::files::walk(folder));
            let extensions: Vec<&str> = extensions.iter().map(String::as_str).collect();
            let wanted = |path: &&String| crate::files::is_wanted(path, &extensions);
            match (all, found) {
                (None, None) => true,
                (Some(all), Some(found)) => all.iter().filter(wanted).eq(found),
                _ => false,
            }
        })
    }

    fn files_are_unchanged(&self) -> bool {
        let is_same =
            |(path, known): (&PathBuf, &Option<Hash>)| std::fs::read(path).ok().map(|bytes| hash(&bytes)) == *known;
        let files: Vec<_> = self.files.iter().collect();
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(files.len() / 64 + 1);
        let chunk = files.len().div_ceil(workers).max(1);
        std::thread::scope(|scope| {
            let parts: Vec<_> =
                files.chunks(chunk).map(|part| scope.spawn(move || part.iter().copied().all(is_same))).collect();
            parts.into_iter().all(|part| part.join().unwrap_or(false))
        })
    }
}
