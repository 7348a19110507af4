//! What every bench needs: the release binary, a Python environment with the peers, and a scratch folder.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs per side when the bench does not say otherwise.
pub const RUNS: usize = 3;

/// The set-up of a bench.
pub struct Scene {
    /// The workspace folder.
    pub root: PathBuf,
    /// Our release binary.
    pub binary: String,
    /// Python of the environment that has the peers.
    pub python: PathBuf,
    /// Folder with the peers' scripts.
    pub peers: PathBuf,
    /// Scratch folder; kept between runs so that large inputs are made once.
    pub folder: PathBuf,
    /// Threads that both sides may use.
    pub threads: String,
}

impl Scene {
    /// Builds the binary and installs the peers where they are missing. `MILLSTREAM_BIN` names a binary that is measured
    /// as it is.
    pub fn set(root: &Path) -> Result<Self, String> {
        let given = std::env::var_os("MILLSTREAM_BIN").map(PathBuf::from);
        if given.is_none() {
            run(Command::new(env!("CARGO")).args(["build", "--release", "--package", "millstream"]).current_dir(root))?;
        }
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let folder = std::env::var_os("MILLSTREAM_BENCH_DIR").map_or_else(|| target.join("bench"), PathBuf::from);
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let environment = folder.join("venv");
        let python = environment.join("bin/python");
        let install = ". \"$ROOT/tests/services/dbt/venv.sh\"";
        let binary = given.unwrap_or_else(|| target.join("release/millstream"));
        run(Command::new("bash")
            .args(["-c", install])
            .env("ROOT", root)
            .env("MILLSTREAM_DBT_VENV", &environment)
            .env("MILLSTREAM_BIN", &binary))?;
        let threads = std::thread::available_parallelism().map_or(2, usize::from).to_string();
        let scene = Self {
            root: root.to_path_buf(),
            binary: binary.to_string_lossy().into_owned(),
            python,
            peers: root.join("xtask/peers"),
            folder,
            threads,
        };
        scene.say_conditions();
        Ok(scene)
    }

    /// The machine and the peers' versions, so that a figure can be read later.
    fn say_conditions(&self) {
        let versions = "import duckdb, importlib.metadata as m; print(f\"duckdb {duckdb.__version__}, dbt-core {m.version('dbt-core')}, dbt-duckdb {m.version('dbt-duckdb')}\")";
        let peers = Command::new(&self.python)
            .args(["-c", versions])
            .output()
            .map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
        println!("{} threads; peers: {}", self.threads, peers.unwrap_or_default());
    }

    /// A peer's script as a command.
    pub fn peer(&self, script: &str, arguments: &[&str]) -> Vec<String> {
        let mut command =
            vec![self.python.to_string_lossy().into_owned(), self.peers.join(script).to_string_lossy().into_owned()];
        command.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        command
    }

    /// Real dbt on DuckDB beside a project of ours, see `tests/services/dbt/peer.sh`.
    pub fn dbt_peer(&self, project: &Path, folder: &Path, options: &[&str]) -> Result<(), String> {
        run(Command::new("bash")
            .arg(self.root.join("tests/services/dbt/peer.sh"))
            .args([project, folder])
            .args(options)
            .env("MILLSTREAM_BIN", &self.binary)
            .env("MILLSTREAM_DBT_VENV", self.folder.join("venv")))
    }

    /// A fresh copy of `examples/finance` in the scratch folder.
    pub fn project(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.folder.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        copy(&self.root.join("examples/finance"), &folder)?;
        std::fs::create_dir_all(folder.join("data/incoming")).map_err(|error| error.to_string())?;
        Ok(folder)
    }
}

/// Copies a folder without work that runs leave behind.
pub fn copy(from: &Path, to: &Path) -> Result<(), String> {
    for entry in walkdir::WalkDir::new(from).into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        name != "target" && name != "logs" && name != "dbt_packages"
    }) {
        let entry = entry.map_err(|error| error.to_string())?;
        let path = to.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        } else {
            std::fs::copy(entry.path(), &path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// Runs a command whose failure ends the bench.
pub fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}
