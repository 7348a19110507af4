//! Apache Kafka, fetched and prepared by the script that the test against it uses too.

use std::process::Command;

use super::super::shell::{bound, must};
use super::super::site::Site;

/// Prepares fresh storage; says where the jars are and where it will listen.
const PREPARE: &str = r#"set -euo pipefail
ROOT="$1" HERE="$1/tests/services/kafka"
source "$HERE/broker.sh"
prepare_broker "$2" >&2
printf '%s\n%s\n' "$LIB" "$PLAIN_PORT""#;

/// How it is started, and its address.
pub fn command(site: &Site) -> Result<(Command, String), String> {
    let folder = site.dir.join("broker");
    let told = must(Command::new("bash").args(["-c", PREPARE, "bash"]).arg(&site.root).arg(&folder))?;
    let mut lines = told.lines();
    let (Some(jars), Some(port)) = (lines.next(), lines.next()) else {
        return Err(format!("broker.sh said: {told}"));
    };
    let mut command = bound("java");
    command.args(["-Xmx512m", "-cp", &format!("{jars}/*"), "kafka.Kafka"]).arg(folder.join("server.properties"));
    Ok((command, format!("localhost:{port}")))
}
