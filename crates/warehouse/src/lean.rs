//! What runs short of memory is done once more in a way that needs less: joins sort both sides, which can be spilled,
//! in place of holding one side in memory, which cannot.
//!
//! Guarantees: the rows are the same; one such attempt at a time, so that they do not take the memory from each other;
//! an attempt that runs short again is an error.
//!
//! Deliberately absent: choosing this way beforehand. Nobody knows what a join will hold, and where memory suffices,
//! joins in memory are several times faster.

use std::future::Future;
use std::sync::Arc;

use millstream_core::Result;

use crate::warehouse::Inner;

/// Does it, and once more when memory was short.
pub(crate) async fn or_lean<T, F>(inner: &Arc<Inner>, attempt: impl Fn(Arc<Inner>) -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    match attempt(Arc::clone(inner)).await {
        Err(error) if error.is_short_of_memory() => {
            let mut turn = inner.lean.lock().await;
            let engine = match turn.take() {
                Some(engine) => engine,
                None => inner.engine.lean()?,
            };
            *turn = Some(engine.clone());
            attempt(Arc::new(Inner { engine, ..inner.as_ref().clone() })).await
        }
        done => done,
    }
}
