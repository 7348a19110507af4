//! The warehouse through its public interface, and through `deltalake`'s own reader.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod count_distinct;
mod delta;
mod first_row;
mod housekeeping;
mod housekeeping_random;
mod load;
mod memory;
mod names;
mod random;
mod refresh;
mod refresh_cost;
mod refresh_edges;
mod refresh_plans;
mod refresh_random;
mod refresh_wide;
mod refresh_wide_plans;
mod stage;
mod statements;
mod statements_random;
mod support;
mod variant;
mod view;
