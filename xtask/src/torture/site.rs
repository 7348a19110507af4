//! The scratch folder and the binary: where everything of a torture lies.
//!
//! ```text
//! shop/            the project that is tortured; shop/workspace may be a small file system of its own
//! twin/            the same project, which ingests the same input once, undisturbed, at the end
//! broker/          the broker's data
//! up.log, produce.log, broker.log
//! ```

use std::path::{Path, PathBuf};
use std::process::Command;

use super::options::Options;
use super::shell::must;

/// Users of a month's file. Few, so that the same users come again in later files and on the topic.
const USERS: &str = "60";
/// Transactions of a month's file.
const TRANSACTIONS: &str = "400";
/// Some rows of each file are broken, late, or there twice.
const FAULTS: &str = "rate=0.02";

/// Where everything lies.
pub struct Site {
    pub root: PathBuf,
    pub binary: String,
    pub dir: PathBuf,
    pub project: PathBuf,
    pub workspace: PathBuf,
    /// Months of files made so far.
    months: u32,
}

impl Site {
    /// Makes the scratch folder and the project.
    pub fn prepare(root: &Path, options: &Options) -> Result<Self, String> {
        let binary = binary(root)?;
        let dir = match &options.dir {
            Some(dir) => dir.clone(),
            None => std::env::temp_dir().join(format!("millstream-torture-{}", std::process::id())),
        };
        let told = |error: std::io::Error| format!("{}: {error}", dir.display());
        std::fs::create_dir_all(&dir).map_err(told)?;
        if std::fs::read_dir(&dir).map_err(told)?.next().is_some() {
            return Err(format!("{} is not empty; name another folder with --dir", dir.display()));
        }
        let dir = dir.canonicalize().map_err(told)?;
        let project = dir.join("shop");
        let mut site =
            Self { root: root.to_path_buf(), binary, workspace: project.join("workspace"), project, dir, months: 0 };
        site.init("shop")?;
        site.init("twin")?;
        std::fs::create_dir_all(&site.workspace).map_err(|error| error.to_string())?;
        site.arrive(options.seed)?;
        Ok(site)
    }

    /// A new project: its intermediate models and marts are dynamic tables.
    fn init(&self, name: &str) -> Result<(), String> {
        must(Command::new(&self.binary).args(["init", name]).current_dir(&self.dir)).map(|_| ())
    }

    /// Another month of files arrives.
    pub fn arrive(&mut self, seed: u64) -> Result<(), String> {
        let (year, month) = (2_020 + self.months / 12, self.months % 12 + 1);
        self.months += 1;
        // Made elsewhere and moved, since a file that is still being written is not whole.
        let made = self.dir.join("made");
        let (year, month, seed) = (year.to_string(), month.to_string(), (seed + u64::from(self.months)).to_string());
        let words = ["--year", &year, "--month", &month, "--users", USERS, "--transactions", TRANSACTIONS];
        let words = words.into_iter().chain(["--seed", &seed, "--faults", FAULTS]);
        must(Command::new(&self.binary).arg("generate").args(words).arg("--out-dir").arg(&made))?;
        for file in files(&made)? {
            let to = self.project.join("data/incoming").join(file.file_name().unwrap_or_default());
            std::fs::rename(&file, &to).map_err(|error| format!("{}: {error}", to.display()))?;
        }
        Ok(())
    }

    /// A millstream command on a project of the site, in its folder.
    pub fn millstream(&self, project: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(project).arg("--quiet");
        command
    }

    /// The lines of a query's answer as CSV, without the header.
    pub fn query(&self, project: &Path, sql: &str) -> Result<Vec<String>, String> {
        let text = must(self.millstream(project).args(["query", sql, "--format", "csv"]))?;
        Ok(text.lines().skip(1).map(str::to_owned).collect())
    }
}

/// Files of a folder, sorted.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(told)?;
    let mut found =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(told)?;
    found.retain(|path| path.is_file());
    found.sort();
    Ok(found)
}

fn binary(root: &Path) -> Result<String, String> {
    let given = std::env::var_os("MILLSTREAM_BIN").map(PathBuf::from);
    let built = || -> Result<PathBuf, String> {
        must(Command::new(env!("CARGO")).args(["build", "--release", "--package", "millstream"]).current_dir(root))?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(target.join("release/millstream"))
    };
    let path = given.map_or_else(built, Ok)?;
    let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path.to_string_lossy().into_owned())
}
