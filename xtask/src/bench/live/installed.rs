//! Peers from PyPI, each in an environment of its own, made once per scratch folder; Spark's connector from Maven Central.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::scene::{Scene, run};

/// A stream processor.
#[derive(Clone, Copy)]
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// What pip installs.
    package: &'static str,
    /// Its script in `xtask/peers/live`.
    script: &'static str,
    /// Folder beside the script whose `pom.xml` names jars that it needs.
    jars: Option<&'static str>,
}

/// Every peer that is known.
pub const KINDS: [Kind; 3] = [
    Kind { name: "pathway", package: "pathway==0.33.0", script: "pathway_daily.py", jars: None },
    Kind { name: "quixstreams", package: "quixstreams==3.28.1", script: "quixstreams_daily.py", jars: None },
    Kind { name: "pyspark", package: "pyspark==4.2.0", script: "spark_daily.py", jars: Some("spark") },
];

/// The artefacts that Spark's own distribution does not have.
const JARS: &str = "spark-sql-kafka-0-10_2.13,spark-token-provider-kafka-0-10_2.13,kafka-clients,commons-pool2";

impl Kind {
    /// Installs it where it is missing. Gives its command on a topic, without what depends on the run.
    pub fn command(&self, scene: &Scene, brokers: &str, topic: &str, scratch: &Path) -> Result<Command, String> {
        let environment = scene.folder.join(format!("venv-{}", self.name));
        let python = environment.join("bin/python");
        once(&environment, self.package, || {
            run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
            let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", self.package];
            run(Command::new(&python).args(install))
        })?;
        let mut command = Command::new(&python);
        command.arg(scene.peers.join("live").join(self.script)).args([brokers, topic, &scene.threads]).arg(scratch);
        command.env("PATHWAY_THREADS", &scene.threads).current_dir(scratch);
        if let Some(folder) = self.jars {
            command.arg(jars(scene, folder)?);
        }
        Ok(command)
    }

    /// Its name and version.
    pub fn label(&self) -> String {
        self.package.replace("==", " ")
    }
}

fn jars(scene: &Scene, folder: &str) -> Result<PathBuf, String> {
    let pom = scene.peers.join("live").join(folder).join("pom.xml");
    let wanted = fs::read_to_string(&pom).map_err(|error| format!("{}: {error}", pom.display()))?;
    let jars = scene.folder.join(format!("jars-{folder}"));
    once(&jars, &wanted, || {
        let goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
        let to = format!("-DoutputDirectory={}", jars.display());
        let only = format!("-DincludeArtifactIds={JARS}");
        run(Command::new("mvn").args(["-q", "-B", "-f"]).arg(&pom).args([goal, "-DincludeScope=runtime", &only, &to]))
    })?;
    Ok(jars)
}

/// Makes a folder unless it was made for the same `wanted` before; one that was begun is begun again.
fn once(folder: &Path, wanted: &str, make: impl Fn() -> Result<(), String>) -> Result<(), String> {
    let mark = folder.join("installed.txt");
    if fs::read_to_string(&mark).is_ok_and(|had| had == wanted) {
        return Ok(());
    }
    let _ = fs::remove_dir_all(folder);
    make()?;
    fs::write(&mark, wanted).map_err(|error| format!("{}: {error}", mark.display()))
}
