//! Threads apart from those that everything else shares.
//!
//! Guarantees: work that does not let go of its thread (a join that compares millions of rows before it looks up) holds up
//! nothing but itself: not the clock of schedules, not who asks for health, not other refreshes.
//!
//! Deliberately absent: ending such work. A thread ends when its work looks up, or with the process.

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use super::priority;

/// Stack of a thread, as of the program's own: enough for the deepest template. Only what is used of it takes memory.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Some threads; without them, where the system gives none, those of all others.
pub(super) struct Apart {
    runtime: Option<Runtime>,
}

impl Apart {
    /// So many threads of that name, of a lower priority (0 to 99) if one is given.
    pub(super) fn new(name: &str, threads: usize, priority: Option<u8>) -> Self {
        let mut builder = Builder::new_multi_thread();
        let builder =
            builder.worker_threads(threads.max(1)).thread_name(name).thread_stack_size(STACK_BYTES).enable_all();
        let builder = builder.on_thread_start(move || priority.into_iter().for_each(priority::lower));
        Self { runtime: builder.build().ok() }
    }

    /// Begins work there.
    pub(super) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        match &self.runtime {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
    }
}

/// Lets the threads go without waiting for them, which an asynchronous place may not.
impl Drop for Apart {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
