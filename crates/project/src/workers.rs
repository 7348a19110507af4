//! The same work for many things, on every core.
//!
//! Guarantees: results come in the order of the things, whatever core was ready first; where a thread cannot be
//! started, the others do its share. Deliberately absent: what work on several threads reports and reads, which is
//! [`crate::parse::loading`]'s.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Stack for reading. Templates are parsed with room for the deepest expressions; on a smaller stack each of them would
/// have to be given a new one.
pub(crate) const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Does the work for batches of at most so many things. Work that panics does so here.
pub(crate) fn in_batches<T: Sync, R: Send>(things: &[T], size: usize, work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let batches: Vec<&[T]> = things.chunks(size.max(1)).collect();
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(batches.len());
    if workers < 2 {
        return batches.into_iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<R>>> = Mutex::new(batches.iter().map(|_| None).collect());
    let share = || {
        while let Some((number, batch)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            batches.get(number).map(|batch| (number, batch))
        } {
            let result = work(batch);
            done.lock().unwrap_or_else(PoisonError::into_inner)[number] = Some(result);
        }
    };
    std::thread::scope(|scope| {
        let thread = || std::thread::Builder::new().name("load".into()).stack_size(STACK_BYTES);
        let others: Vec<_> = (1..workers).filter_map(|_| thread().spawn_scoped(scope, share).ok()).collect();
        share();
        for other in others {
            if let Err(panic) = other.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    // Every batch was taken by a thread that has ended well.
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_things() {
        let things: Vec<usize> = (0..1000).collect();
        let slow_first = |batch: &[usize]| {
            if batch[0] == 0 {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            batch.to_vec()
        };
        assert_eq!(in_batches(&things, 7, slow_first).concat(), things);
        assert!(in_batches(&[] as &[usize], 7, slow_first).is_empty());
    }

    #[test]
    fn work_that_panics_ends_the_whole() {
        let things: Vec<usize> = (0..100).collect();
        let work = |batch: &[usize]| assert!(!batch.contains(&50), "fifty");
        assert!(std::panic::catch_unwind(|| in_batches(&things, 1, work)).is_err());
    }
}
