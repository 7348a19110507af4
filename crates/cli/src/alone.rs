//! A thread of its own for one piece of asynchronous work.
//!
//! Guarantees: the work goes on whatever keeps the program's other threads busy.
//!
//! Deliberately absent: waiting for its end. It ends by itself, or with the process.

use std::io;

/// Begins the work on a thread of this name.
///
/// # Errors
/// The system gives no thread.
pub fn alone(name: &str, work: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(work))?;
    Ok(())
}
