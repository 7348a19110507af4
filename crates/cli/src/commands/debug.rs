//! `millstream debug`.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use millstream_project::Project;

use crate::context::Context;
use crate::output::{ListFormat, Listing};
use crate::stop::{Exit, Outcome};

/// How long a broker may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Check project, profile, workspace and brokers
#[derive(Debug, Args)]
pub struct DebugArgs {
    /// Format of the listing
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

struct Check {
    what: &'static str,
    status: &'static str,
    detail: String,
}

/// Runs it.
pub async fn run(args: DebugArgs, context: &Context) -> Outcome {
    let mut checks = vec![Check { what: "version", status: "ok", detail: env!("CARGO_PKG_VERSION").to_owned() }];
    // A project that cannot be read is an error with its own places and fixes.
    let project = context.load_project_quietly()?;
    checks.push(Check { what: "project", status: "ok", detail: project.dir.display().to_string() });
    let target = &project.target;
    checks.push(Check {
        what: "target",
        status: "ok",
        detail: format!("{}.{} of type {}, schema {}", target.profile_name, target.name, target.kind, target.schema),
    });
    checks.push(workspace(&target.path));
    for (source, brokers) in kafka_sources(&project) {
        checks.push(broker(&source, &brokers));
    }
    let failed = checks.iter().any(|check| check.status == "failed");
    Listing::new()
        .text("check", checks.iter().map(|check| Some(check.what)))
        .text("status", checks.iter().map(|check| Some(check.status)))
        .text("detail", checks.iter().map(|check| Some(check.detail.clone())))
        .print(args.format)?;
    Ok(if failed { Exit::Failed } else { Exit::Success })
}

/// Writes and removes a file, which is the only check that tells the truth.
fn workspace(path: &Path) -> Check {
    let probe = path.join(format!(".probe.{}", std::process::id()));
    let tried = std::fs::create_dir_all(path)
        .and_then(|()| std::fs::write(&probe, b"probe"))
        .and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => Check { what: "workspace", status: "ok", detail: format!("{} is writable", path.display()) },
        Err(error) => Check { what: "workspace", status: "failed", detail: format!("{}: {error}", path.display()) },
    }
}

fn kafka_sources(project: &Project) -> Vec<(String, String)> {
    let sources = project.manifest.sources.values().filter_map(|source| {
        let contract = source.meta.get("millstream")?;
        let kafka = contract.get("connector")?.as_str()? == "kafka";
        let brokers = contract.get("brokers")?.as_str()?;
        kafka.then(|| (format!("{}.{}", source.source_name, source.name), brokers.to_owned()))
    });
    sources.collect()
}

/// Only whether something listens: settings such as TLS are tried by `ingest`. A broker that is away is not a failure,
/// because files and builds need none.
fn broker(source: &str, brokers: &str) -> Check {
    let reaches = |address: &str| {
        let Ok(mut found) = address.to_socket_addrs() else { return false };
        found.any(|address| TcpStream::connect_timeout(&address, CONNECT_TIMEOUT).is_ok())
    };
    let reached = brokers.split(',').map(str::trim).any(reaches);
    let (status, how) = if reached { ("ok", "answers") } else { ("away", "does not answer") };
    Check { what: "broker", status, detail: format!("{brokers} {how} (source {source})") }
}
