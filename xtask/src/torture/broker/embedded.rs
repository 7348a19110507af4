//! `millstream broker` with its messages on disk.

use std::net::TcpListener;
use std::process::Command;

use super::super::shell::bound;
use super::super::site::Site;
use super::{PARTITIONS, TOPIC};

/// How it is started, and its address.
pub fn command(site: &Site) -> Result<(Command, String), String> {
    // The same port each time, because clients know it.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.map_err(|error| format!("no free port: {error}"))?.to_string();
    let mut command = bound(&site.binary);
    command.args(["broker", "--listen", &address, "--topic", &format!("{TOPIC}:{PARTITIONS}"), "--data-dir"]);
    command.arg(site.dir.join("broker"));
    Ok((command, address))
}
