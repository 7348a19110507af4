//! Aggregate and window functions, one file a group.
//!
//! [`collect`] gathers a group's values and computes at the end (LISTAGG, MEDIAN, …); [`sums`] adds up exactly (SUM, AVG,
//! COUNT_IF); [`by`] keeps the row with the least or greatest key; [`moments`] are KURTOSIS and SKEW; [`events`] number
//! the events of a partition. The rest are the engine's own under Snowflake's names.

mod by;
mod collect;
mod events;
mod finish;
mod moments;
mod numbers;
mod sums;

use std::sync::Arc;

use datafusion::functions_aggregate as engine;
use datafusion::logical_expr::{AggregateUDF, WindowUDF};

/// Aggregates by name.
pub(super) fn aggregates() -> Vec<(&'static str, Arc<AggregateUDF>)> {
    let mut all = collect::functions();
    all.extend(sums::functions());
    all.extend(by::functions());
    all.extend(moments::functions());
    all.extend([
        ("approx_count_distinct", engine::approx_distinct::approx_distinct_udaf()),
        ("hll", engine::approx_distinct::approx_distinct_udaf()),
        ("any_value", engine::any_value::any_value_udaf()),
        ("booland_agg", engine::bool_and_or::bool_and_udaf()),
        ("boolor_agg", engine::bool_and_or::bool_or_udaf()),
        ("bitand_agg", engine::bit_and_or_xor::bit_and_udaf()),
        ("bit_and_agg", engine::bit_and_or_xor::bit_and_udaf()),
        ("bitor_agg", engine::bit_and_or_xor::bit_or_udaf()),
        ("bit_or_agg", engine::bit_and_or_xor::bit_or_udaf()),
        ("bitxor_agg", engine::bit_and_or_xor::bit_xor_udaf()),
        ("bit_xor_agg", engine::bit_and_or_xor::bit_xor_udaf()),
        ("stddev", engine::stddev::stddev_udaf()),
        ("stddev_samp", engine::stddev::stddev_udaf()),
        ("stddev_pop", engine::stddev::stddev_pop_udaf()),
        ("variance", engine::variance::var_samp_udaf()),
        ("variance_samp", engine::variance::var_samp_udaf()),
        ("var_samp", engine::variance::var_samp_udaf()),
        ("variance_pop", engine::variance::var_pop_udaf()),
        ("var_pop", engine::variance::var_pop_udaf()),
        ("corr", engine::correlation::corr_udaf()),
        ("covar_pop", engine::covariance::covar_pop_udaf()),
        ("covar_samp", engine::covariance::covar_samp_udaf()),
        ("regr_avgx", engine::regr::regr_avgx_udaf()),
        ("regr_avgy", engine::regr::regr_avgy_udaf()),
        ("regr_count", engine::regr::regr_count_udaf()),
        ("regr_intercept", engine::regr::regr_intercept_udaf()),
        ("regr_r2", engine::regr::regr_r2_udaf()),
        ("regr_slope", engine::regr::regr_slope_udaf()),
        ("regr_sxx", engine::regr::regr_sxx_udaf()),
        ("regr_sxy", engine::regr::regr_sxy_udaf()),
        ("regr_syy", engine::regr::regr_syy_udaf()),
    ]);
    all
}

/// Window functions by name.
pub(super) fn windows() -> Vec<(&'static str, Arc<WindowUDF>)> {
    events::functions()
}
