//! Threads whose work is worth less than that of others when all want the processor.

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// Lowers this thread's priority, from 0 to 99, and that of threads that it makes. Where the system does not let it, it
/// stays as it was.
pub(super) fn lower(priority: u8) {
    if let Ok(priority) = ThreadPriorityValue::try_from(priority) {
        let _ = set_current_thread_priority(ThreadPriority::Crossplatform(priority));
    }
}
