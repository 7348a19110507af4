//! `live`: `millstream up` on a busy topic: how old an event is when a mart shows it; what a refresh costs on a long
//! history; what the first build of dynamic tables costs beside plain ones.
//!
//! Broker, producer and engine share the machine. Sizes come from the environment, so that a short run is a short run:
//! `MILLSTREAM_BENCH_LIVE_RATES` (messages a second, default `2000,5000,10000,20000`), `_SECONDS` (60 for each rate),
//! `_HISTORY` (rows that are there before, 10,000,000), `_USERS` (10,000), `_COST_HISTORIES` (`1000000,10000000`).
//!
//! Deliberately absent: peers. A stream processor that keeps one aggregate in memory does less than a tested,
//! transactional chain of fourteen tables.

mod cost;
mod first;
mod history;
mod latency;
mod processes;

use super::scene::Scene;

/// Runs the three parts.
pub fn run(scene: &Scene) -> Result<(), String> {
    latency::run(scene)?;
    cost::run(scene)?;
    first::run(scene)
}

/// A number from the environment.
fn number(name: &str, default: u64) -> Result<u64, String> {
    match std::env::var(format!("MILLSTREAM_BENCH_LIVE_{name}")) {
        Ok(text) => text.trim().parse().map_err(|error| format!("MILLSTREAM_BENCH_LIVE_{name}: {text}: {error}")),
        Err(_) => Ok(default),
    }
}

/// A list of numbers from the environment.
fn numbers(name: &str, default: &[u64]) -> Result<Vec<u64>, String> {
    match std::env::var(format!("MILLSTREAM_BENCH_LIVE_{name}")) {
        Ok(text) => text
            .split(',')
            .map(|part| part.trim().parse().map_err(|error| format!("MILLSTREAM_BENCH_LIVE_{name}: {part}: {error}")))
            .collect(),
        Err(_) => Ok(default.to_vec()),
    }
}
