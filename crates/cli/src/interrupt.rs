//! Ctrl-C and SIGTERM.
//!
//! Guarantees: work that announced that it can stop cleanly is asked to, and has until the second Ctrl-C; work that
//! did not is ended at once with exit code 130, which is safe because every write of ours is atomic. Signals have a thread
//! of their own: they are heard whatever keeps the others busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::alone::alone;
use crate::stop::INTERRUPTED;
use crate::talk::Talk;

/// The user's wish to stop, shared with whoever works.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    graceful: Arc<AtomicBool>,
    notify: Arc<tokio::sync::Notify>,
}

impl Interrupt {
    /// Starts to listen for signals. Where that is not possible they end the process, as they do by default.
    pub fn listen(talk: Arc<Talk>) -> Self {
        let interrupt = Self::default();
        let (shared, heard) = (interrupt.clone(), talk.clone());
        if let Err(error) = alone("signals", async move { shared.hear(&heard).await }) {
            talk.warn("interrupt", &format!("nobody listens for Ctrl-C: {error}"));
        }
        interrupt
    }

    async fn hear(&self, talk: &Talk) {
        loop {
            signal().await;
            let second = self.asked.swap(true, Ordering::SeqCst);
            if second || !self.graceful.load(Ordering::SeqCst) {
                talk.clear();
                std::process::exit(i32::from(INTERRUPTED));
            }
            talk.say("interrupt", "stopping; press Ctrl-C again to stop at once");
            self.notify.notify_waiters();
        }
    }

    /// Announces that from here on the work looks at [`Interrupt::flag`] or waits for [`Interrupt::asked`].
    pub fn handle_gracefully(&self) {
        self.graceful.store(true, Ordering::SeqCst);
    }

    /// Turns true when the user wants to stop.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }

    /// Whether the user wants to stop.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Waits until the user wants to stop.
    pub async fn asked(&self) {
        loop {
            let notified = self.notify.notified();
            if self.is_asked() {
                return;
            }
            notified.await;
        }
    }
}

/// Waits for the next Ctrl-C or SIGTERM. Where the machine lets us listen to neither, waits for ever.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
