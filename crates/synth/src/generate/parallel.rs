//! Makes numbered chunks on all cores and hands them over in order.
//!
//! Guarantees: the result does not depend on the number of threads; at most [`AHEAD`] finished chunks wait per thread,
//! so memory stays bounded however long the work is.

use std::sync::mpsc::sync_channel;
use std::thread;

use millstream_core::{Error, Result};

/// Chunks a thread may be ahead of the one who takes them.
const AHEAD: usize = 2;

/// Calls `make` for 0 to `chunks - 1` on `threads` threads, and `take` with what it made, in order, on this one.
pub(super) fn in_order<T: Send>(
    chunks: u64,
    threads: usize,
    make: impl Fn(u64) -> Result<T> + Sync,
    mut take: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let threads = threads.clamp(1, usize::try_from(chunks.max(1)).unwrap_or(usize::MAX));
    let make = &make;
    thread::scope(|scope| {
        let made: Vec<_> = (0..threads as u64)
            .map(|first| {
                let (send, receive) = sync_channel(AHEAD);
                scope.spawn(move || {
                    // A taker that gave up has closed its end: stop quietly, its error is the one that counts.
                    let _ = (first..chunks).step_by(threads).try_for_each(|number| send.send(make(number)));
                });
                receive
            })
            .collect();
        (0..chunks).zip(made.iter().cycle()).try_for_each(|(number, from)| {
            let chunk =
                from.recv().map_err(|_| Error::ours(format!("the thread that makes chunk {number} has ended")))?;
            take(chunk?)
        })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_for_any_number_of_threads() {
        for (chunks, threads) in [(0, 4), (1, 4), (100, 1), (101, 3), (7, 16)] {
            let mut taken = Vec::new();
            in_order(chunks, threads, Ok, |number| {
                taken.push(number);
                Ok(())
            })
            .unwrap();
            assert_eq!(taken, (0..chunks).collect::<Vec<_>>());
        }
    }

    #[test]
    fn errors_of_either_side_end_it() {
        let refuse = |at: u64| move |number: u64| if number == at { Err(Error::ours("no")) } else { Ok(number) };
        assert!(in_order(1000, 3, refuse(17), |_| Ok(())).is_err());
        assert!(in_order(1000, 3, Ok, |number| refuse(17)(number).map(drop)).is_err());
    }
}
