//! Which path gives what.

use std::sync::Arc;

use millstream_core::Clock;
use millstream_runner::live::Board;

use crate::metrics;

/// What requests are answered from.
pub(crate) struct State {
    pub(crate) board: Arc<Board>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What a request is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Code and words of the first line.
    pub(crate) status: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Answer {
    /// A line of text.
    pub(crate) fn line(status: &'static str, line: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: format!("{line}\n") }
    }
}

/// Answers a request for a path, which may have a query behind it.
pub(crate) fn answer(method: &str, target: &str, state: &State) -> Answer {
    let path = target.split('?').next().unwrap_or_default();
    match path {
        "/healthz" | "/readyz" | "/metrics" if !matches!(method, "GET" | "HEAD") => {
            Answer::line("405 Method Not Allowed", "only GET and HEAD are answered")
        }
        "/healthz" => Answer::line("200 OK", "ok"),
        "/readyz" => {
            let obstacles = state.board.snapshot().obstacles();
            let status = if obstacles.is_empty() { "200 OK" } else { "503 Service Unavailable" };
            let body = serde_json::json!({"ready": obstacles.is_empty(), "obstacles": obstacles});
            Answer { status, content_type: "application/json", body: format!("{body}\n") }
        }
        "/metrics" => {
            let body = metrics::metrics(&state.board.snapshot(), state.clock.now());
            Answer { status: "200 OK", content_type: metrics::CONTENT_TYPE, body }
        }
        _ => Answer::line("404 Not Found", "there are /healthz, /readyz and /metrics"),
    }
}
