//! Blocking work on a thread of its own, with progress told from the asynchronous side.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use millstream_core::{Error, Progress, Result};

/// How often progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Runs `work`, which counts what it has done in the counter that it is given; `done_before` is added to it.
pub(crate) async fn run<T: Send + 'static>(
    progress: &dyn Progress,
    done_before: u64,
    work: impl FnOnce(Arc<AtomicU64>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = Arc::new(AtomicU64::new(0));
    let mut task = tokio::task::spawn_blocking({
        let done = done.clone();
        move || work(done)
    });
    let joined = loop {
        match tokio::time::timeout(PROGRESS_INTERVAL, &mut task).await {
            Ok(joined) => break joined,
            Err(_) => progress.set(done_before + done.load(Ordering::Relaxed)),
        }
    };
    joined.map_err(|e| Error::ours("a working thread panicked").why(e))?
}
