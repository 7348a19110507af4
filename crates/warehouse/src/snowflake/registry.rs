//! All functions by name.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

use super::scalar::Function;
use super::{aggregates, cast, conditional, context, dates, numbers, semi, strings};

/// Functions by lower-case name; a function with several names stands under each.
pub(crate) struct Functions {
    pub scalar: HashMap<String, Arc<ScalarUDF>>,
    pub aggregate: HashMap<String, Arc<AggregateUDF>>,
    pub window: HashMap<String, Arc<WindowUDF>>,
}

/// The families of scalar functions.
fn families() -> Vec<&'static [Function]> {
    let mut all = vec![cast::FUNCTIONS, cast::CASTS, conditional::FUNCTIONS, context::FUNCTIONS];
    all.extend(dates::families());
    all.extend(numbers::families());
    all.extend(strings::families());
    all.extend(semi::families());
    all
}

/// The functions of the dialect.
pub(crate) fn functions() -> &'static Functions {
    static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
        let scalar = families()
            .into_iter()
            .flatten()
            .flat_map(Function::engine_functions)
            .map(|function| (function.name().to_owned(), function))
            .collect();
        let aggregate =
            aggregates::aggregates().into_iter().map(|(name, function)| (name.to_owned(), function)).collect();
        let window = aggregates::windows().into_iter().map(|(name, function)| (name.to_owned(), function)).collect();
        Functions { scalar, aggregate, window }
    });
    &FUNCTIONS
}

/// Functions of the engine that mean the same in Snowflake.
pub(crate) fn is_native(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "count",
        "min",
        "max",
        "grouping",
        "row_number",
        "rank",
        "dense_rank",
        "percent_rank",
        "cume_dist",
        "ntile",
        "lag",
        "lead",
        "first_value",
        "last_value",
        "nth_value",
    ];
    NAMES.contains(&name)
}
