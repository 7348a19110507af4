//! Peak memory of a running process and of all that it has started, as the kernel tells.
//!
//! The peaks of the processes are added up, though they may have been at different times; processes that have ended are
//! not in it.

use std::collections::HashMap;
use std::fs;

/// Largest resident sets, in MiB.
pub fn peak_mib(process: u32) -> f64 {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if let Some(parent) = parent(id) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut left = vec![process];
    let mut sum = 0.0;
    while let Some(id) = left.pop() {
        sum += own_mib(id);
        left.extend(children.get(&id).into_iter().flatten());
    }
    sum
}

fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program is in parentheses and may hold anything; the state and the parent follow.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn own_mib(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}
