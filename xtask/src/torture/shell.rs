//! Processes and the programs of the system.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs a command to its end; its output when it ended well, else why not.
pub fn must(command: &mut Command) -> Result<String, String> {
    let output = output(command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{command:?} ended with {}:\n{}", output.status, said(&output)))
}

/// Runs a command to its end.
pub fn output(command: &mut Command) -> Result<Output, String> {
    command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))
}

/// What a command said on both ways.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A program that ends when we do, however we end, where the system has the tool for that.
pub fn bound(program: &str) -> Command {
    let has_tool = Command::new("setpriv").args(["--pdeathsig", "KILL", "true"]).stderr(Stdio::null()).status();
    if has_tool.is_ok_and(|status| status.success()) {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", program]);
        return command;
    }
    Command::new(program)
}

/// Sends a signal by its name. The shell has `kill` built in; not every machine has the program.
pub fn signal(child: &Child, name: &str) -> Result<(), String> {
    must(Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())])).map(drop)
}

/// Kills a process and waits until it is gone.
pub fn end(child: &mut Child) {
    // It may have ended already; then there is nothing to kill.
    let _ = child.kill();
    let _ = child.wait();
}

/// Waits until something is so. Whether it came to be.
pub fn until(patience: Duration, mut is_so: impl FnMut() -> Result<bool, String>) -> Result<bool, String> {
    let deadline = Instant::now() + patience;
    while !is_so()? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(true)
}
