//! The order of a check: a node after all that it reads, nodes that do not read each other side by side.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use millstream_core::{Error, Result};

use super::node::Check;
use super::{CheckReport, NodeCheck};

/// Nodes below which threads cost more than they save.
const NODES_PER_THREAD_MIN: usize = 8;

/// Stack of the threads that render and plan, see the command line's.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Checks every node. Blocks.
pub(super) fn carry_out(check: &Check, threads: usize) -> Result<CheckReport> {
    let mut report = CheckReport::default();
    for wave in waves(check) {
        let workers = threads.min(wave.len().div_ceil(NODES_PER_THREAD_MIN)).max(1);
        let done = if workers == 1 {
            wave.iter().map(|id| check.node(id)).collect::<Result<Vec<_>>>()?
        } else {
            side_by_side(check, &wave, workers)?
        };
        for node in &done {
            check.note(node);
        }
        report.nodes.extend(done);
    }
    check.finish();
    Ok(report)
}

/// The nodes by how far they are from the top, each wave in the order of the project.
fn waves(check: &Check) -> Vec<Vec<String>> {
    let mut depth_of: HashMap<&str, usize> = HashMap::new();
    let mut waves: Vec<Vec<String>> = Vec::new();
    for id in check.order() {
        let above = check.parents(id).iter().filter_map(|parent| depth_of.get(parent.as_str())).max();
        let depth = above.map_or(0, |above| above + 1);
        depth_of.insert(id, depth);
        if waves.len() <= depth {
            waves.resize(depth + 1, Vec::new());
        }
        waves[depth].push(id.to_owned());
    }
    waves
}

fn side_by_side(check: &Check, wave: &[String], workers: usize) -> Result<Vec<NodeCheck>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<NodeCheck>)>> = Mutex::new(Vec::with_capacity(wave.len()));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let work = || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(id) = wave.get(number) else { break };
                    let checked = check.node(id);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((number, checked));
                }
            };
            // One that cannot be started is told by the nodes that are missing in the end, unless others do them all.
            let _ = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    if done.len() < wave.len() {
        return Err(Error::ours("a check broke off"));
    }
    done.into_iter().map(|(_, checked)| checked).collect()
}
