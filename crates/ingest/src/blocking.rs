//! Blocking work on a thread of its own, with progress told from the asynchronous side.
//!
//! Guarantees: when the asynchronous side is dropped (Ctrl-C), the work is told to give up; it would otherwise keep
//! the process alive until its end. Work that cannot be told ([`run_unless`]) is let go instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use millstream_core::{Error, Progress, Result};

/// How often progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// How often it is looked whether work is wanted any more that cannot be told to give up.
const WANTED_INTERVAL: Duration = Duration::from_millis(50);

/// The working side: counts what it has done, and asks whether anyone still waits for it. Clones share both.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    done: Arc<AtomicU64>,
    given_up: Arc<AtomicBool>,
}

impl Work {
    /// Counts units that were done.
    pub(crate) fn add(&self, units: u64) {
        self.done.fetch_add(units, Ordering::Relaxed);
    }
    /// An error when nobody waits for the work any more.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_given_up() { Err(Error::user("interrupted")) } else { Ok(()) }
    }
    /// Whether nobody waits for the work any more.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}

/// Tells the work to give up when the waiting side is dropped.
struct GiveUpOnDrop(Work);

impl Drop for GiveUpOnDrop {
    fn drop(&mut self) {
        self.0.given_up.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` and waits for it; what it counts is told as progress, after `done_before`.
pub(crate) async fn run<T: Send + 'static>(
    progress: &dyn Progress,
    done_before: u64,
    work: impl FnOnce(&Work) -> Result<T> + Send + 'static,
) -> Result<T> {
    let handle = Work::default();
    let _guard = GiveUpOnDrop(handle.clone());
    let mut task = tokio::task::spawn_blocking({
        let handle = handle.clone();
        move || work(&handle)
    });
    let joined = loop {
        match tokio::time::timeout(PROGRESS_INTERVAL, &mut task).await {
            Ok(joined) => break joined,
            Err(_) => progress.set(done_before + handle.done.load(Ordering::Relaxed)),
        }
    };
    joined.map_err(|e| Error::ours("a working thread panicked").why(e))?
}

/// Runs `work`, which cannot be told to give up, and waits for it until it `is_off`: then there is no answer, at once.
/// The thread goes on alone with what it was given; nothing waits for it, not even the end of the process.
pub(crate) async fn run_unless<T: Send + 'static>(
    is_off: impl Fn() -> bool,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<Option<T>> {
    let (tell, mut answer) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("millstream-ask".to_owned());
    let started = thread.spawn(move || {
        // Nobody waits for it when it is off.
        let _ = tell.send(work());
    });
    started.map_err(|e| Error::environment("a thread cannot be started").why(e))?;
    loop {
        match tokio::time::timeout(WANTED_INTERVAL, &mut answer).await {
            Ok(answer) => {
                let answer = answer.map_err(|e| Error::ours("a working thread panicked").why(e))?;
                return answer.map(Some);
            }
            Err(_) if is_off() => return Ok(None),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use millstream_core::SilentProgress;
    use std::sync::mpsc::channel;

    #[test]
    fn work_that_nobody_waits_for_is_told_to_give_up() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (ended, has_ended) = channel();
        runtime.block_on(async {
            let work = run(&SilentProgress, 0, move |work| {
                while work.check().is_ok() {
                    std::thread::yield_now();
                }
                ended.send(()).map_err(|e| Error::ours("not heard").why(e))
            });
            let waited = tokio::time::timeout(Duration::from_millis(20), work).await;
            assert!(waited.is_err());
        });
        has_ended.recv_timeout(Duration::from_secs(10)).unwrap();
    }

    #[test]
    fn work_that_cannot_be_told_is_let_go() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let answer = |is_off: bool, wait: Duration| {
            let work = move || {
                std::thread::sleep(wait);
                Ok(7)
            };
            runtime.block_on(run_unless(move || is_off, work)).unwrap()
        };
        assert_eq!(answer(false, 3 * WANTED_INTERVAL), Some(7));
        let began = std::time::Instant::now();
        assert_eq!(answer(true, Duration::from_secs(10)), None);
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
