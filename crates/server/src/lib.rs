//! What a running Millstream serves over HTTP: whether it lives, whether it is ready, and its metrics.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 as long as the process lives |
//! | `/readyz` | 200 when every source can be read and models were refreshed once, else 503; what is missing as JSON |
//! | `/metrics` | Prometheus' text format |
//!
//! Guarantees: nothing here changes anything; one client cannot take much: connections, the size of a request's head
//! and the time to send it have limits.
//!
//! Deliberately absent: TLS and log-in. It listens on this machine only unless it is told otherwise.

mod connections;
mod metrics;
mod routes;

pub use connections::{CONNECTIONS_MAX, HEAD_BYTES_MAX, REQUEST_TIMEOUT, Server};
pub use metrics::metrics;
