//! Settings of the engine, and why they differ from its defaults.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::optimizer::Optimizer;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;
use millstream_core::Result;

use super::count_distinct::CountDistinctRule;
use super::first_row::FirstRowRule;
use super::held_joins::HeldJoins;
use super::lean_joins::LeanJoins;
use super::lean_pool::LeanPool;
use super::sanity::{self, CheckAgain};
use crate::error::from_engine;

/// Bytes of file footers that are kept, so that a small query reads none.
const FOOTER_CACHE_BYTES: usize = 128 * 1024 * 1024;

/// Operators that an error about memory names, those with most of it.
const CONSUMERS_TOLD: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// Rows in a batch of a session that needs little memory: when spilled runs are merged, a batch of each is in memory.
const LEAN_BATCH_ROWS: usize = 2_048;

/// Bytes that a sort of such a session keeps for the merge of what it spills.
const LEAN_MERGE_BYTES: usize = 1024 * 1024;

/// Memory, spill folder and caches that all queries share.
pub(super) fn runtime(memory_limit_bytes: usize, spill_folder: &Path) -> Result<Arc<RuntimeEnv>> {
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![spill_folder.to_owned()]));
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(TrackConsumersPool::new(FairSpillPool::new(memory_limit_bytes), CONSUMERS_TOLD)))
        .with_disk_manager_builder(disk)
        .with_metadata_cache_limit(FOOTER_CACHE_BYTES)
        .build_arc()
        .map_err(from_engine)
}

/// A session whose queries run on this many partitions.
pub(super) fn state(runtime: Arc<RuntimeEnv>, partitions: usize) -> SessionState {
    let mut config = SessionConfig::new().with_target_partitions(partitions).with_information_schema(true);
    let options = config.options_mut();
    options.catalog.default_catalog = super::context::CATALOG.into();
    // Money: 0.1 in a query is the decimal 0.1, as in PostgreSQL and DuckDB, not a float.
    options.sql_parser.parse_float_as_decimal = true;
    // Instants are UTC; without a zone of the session `timestamptz` would be a timestamp without one.
    options.execution.time_zone = Some("UTC".into());
    // The engine's own nodes do not agree whether an expression may be null (a comparison of `case` with two texts);
    // nothing depends on it but this check.
    options.execution.skip_physical_aggregate_schema_check = true;
    // Errors say line and column.
    options.sql_parser.collect_spans = true;
    // Planning is most of a small query's time; later passes hardly change a plan.
    options.optimizer.max_passes = 2;
    let mut rules = PhysicalOptimizer::new().rules;
    for rule in rules.iter_mut().filter(|rule| rule.name() == sanity::NAME) {
        *rule = Arc::new(CheckAgain);
    }
    rules.insert(0, Arc::new(FirstRowRule));
    // Last, so that no other rule sees what it puts in.
    rules.push(Arc::new(HeldJoins));
    let mut logical = Optimizer::new().rules;
    logical.insert(0, Arc::new(CountDistinctRule));
    let mut builder = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_optimizer_rules(logical)
        .with_physical_optimizer_rules(rules);
    // The first that knows an operator plans it.
    let planners = builder.expr_planners().get_or_insert_default();
    planners.insert(0, Arc::new(crate::postgres::IntervalOperators));
    planners.insert(0, Arc::new(crate::postgres::WideDivision));
    planners.insert(0, Arc::new(crate::postgres::JsonOperators));
    // The last of a name counts.
    builder.scalar_functions().get_or_insert_default().extend(crate::postgres::functions());
    builder.build()
}

/// The same session in less memory: joins sort and spill, and its operators share a half of what all others may use.
pub(super) fn lean(state: &SessionState, memory_limit_bytes: usize) -> Result<SessionState> {
    let pool = TrackConsumersPool::new(LeanPool::new(memory_limit_bytes / 2), CONSUMERS_TOLD);
    let runtime = RuntimeEnvBuilder::from_runtime_env(state.runtime_env()).with_memory_pool(Arc::new(pool));
    let runtime = runtime.build_arc().map_err(from_engine)?;
    let mut config = state.config().clone().with_target_partitions(1).with_batch_size(LEAN_BATCH_ROWS);
    let options = config.options_mut();
    options.execution.sort_spill_reservation_bytes = LEAN_MERGE_BYTES;
    // With one partition there is nothing to interleave, and the engine fails when it tries.
    options.optimizer.prefer_existing_union = true;
    let mut rules = state.physical_optimizers().to_vec();
    rules.insert(0, Arc::new(LeanJoins));
    let builder = SessionStateBuilder::new_from_existing(state.clone()).with_config(config);
    Ok(builder.with_runtime_env(runtime).with_physical_optimizer_rules(rules).build())
}
