//! The demo's folder, and the note in it that tells which demo it is.

use std::path::{Path, PathBuf};

use millstream_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::context::PROJECT_FILE;
use crate::scaffold::{self, Scaffold};

/// File in the folder that tells what made it.
const NOTE: &str = ".millstream-demo.json";

/// What the note says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    seed: u64,
    fast: bool,
    /// Messages of the live burst, once they were sent.
    #[serde(default)]
    pub sent: Option<u64>,
}

/// An open demo folder.
pub struct Folder {
    /// The project's folder.
    pub path: PathBuf,
    /// What its note says.
    pub note: Note,
}

impl Folder {
    /// Opens the folder, or makes it; tells whether it is new.
    ///
    /// # Errors
    /// Kind `usage` when the folder holds something else, or a demo with other options.
    pub fn open(path: &Path, seed: u64, fast: bool) -> Result<(Self, bool)> {
        let note = Note { seed, fast, sent: None };
        let folder = Self { path: path.to_path_buf(), note };
        match std::fs::read_to_string(path.join(NOTE)) {
            Ok(text) => {
                let found: Note = serde_json::from_str(&text)
                    .map_err(|error| foreign(path).why(format!("its {NOTE} cannot be read")).why(error))?;
                if (found.seed, found.fast) != (seed, fast) {
                    return Err(Error::usage(format!(
                        "{} holds a demo made with --seed {}{}",
                        path.display(),
                        found.seed,
                        if found.fast { " --fast" } else { "" }
                    ))
                    .hint("use the same options, or another folder with --dir"));
                }
                Ok((Self { note: found, ..folder }, false))
            }
            // A demo that was killed between the scaffold and the note left an untouched project.
            Err(_) if path.join(PROJECT_FILE).exists() && scaffold::is_untouched(Scaffold::Finance, path) => {
                folder.save()?;
                Ok((folder, true))
            }
            Err(_) => {
                scaffold::write(Scaffold::Finance, path)
                    .map_err(|error| error.hint("give another folder with --dir"))?;
                folder.save()?;
                Ok((folder, true))
            }
        }
    }

    /// Notes that so many messages were sent.
    #[cfg(feature = "broker")]
    pub fn sent(&self, messages: u64) -> Result<()> {
        let note = Note { sent: Some(messages), ..self.note.clone() };
        Self { path: self.path.clone(), note }.save()
    }

    fn save(&self) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::environment(format!("{} cannot be written", self.path.join(NOTE).display())).why(error)
        };
        let partial = self.path.join(format!("{NOTE}.partial"));
        let text = serde_json::to_string(&self.note).map_err(|error| Error::ours("the note has no JSON").why(error))?;
        std::fs::write(&partial, text).and_then(|()| std::fs::rename(&partial, self.path.join(NOTE))).map_err(failed)
    }
}

fn foreign(path: &Path) -> Error {
    Error::usage(format!("{} is not a demo's folder", path.display())).hint("give another folder with --dir")
}
