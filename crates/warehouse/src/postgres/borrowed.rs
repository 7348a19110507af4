//! Functions of DuckDB and Redshift that the engine lacks and that Snowflake's family has here, where they mean the
//! same: projects written for several warehouses call them without a macro.
//!
//! Not here: names that mean something else in one of these dialects (`dayname`, `monthname`, `split_part`).

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

use crate::snowflake::functions;

/// Name here, and there.
const SCALAR: &[(&str, &str)] = &[
    ("datediff", "datediff"),
    ("date_diff", "datediff"),
    ("dateadd", "dateadd"),
    ("last_day", "last_day"),
    ("year", "year"),
    ("quarter", "quarter"),
    ("month", "month"),
    ("day", "day"),
    ("hour", "hour"),
    ("minute", "minute"),
    ("second", "second"),
    ("sign", "sign"),
    ("width_bucket", "width_bucket"),
];

const AGGREGATE: &[(&str, &str)] = &[
    ("min_by", "min_by"),
    ("arg_min", "min_by"),
    ("max_by", "max_by"),
    ("arg_max", "max_by"),
    ("count_if", "count_if"),
    ("mode", "mode"),
];

fn other(names: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    names.iter().find(|(own, _)| *own == name).map(|(_, other)| *other)
}

/// The scalar function of the name.
pub(crate) fn scalar(name: &str) -> Option<Arc<ScalarUDF>> {
    functions().scalar.get(other(SCALAR, name)?).cloned()
}

/// The aggregate of the name.
pub(crate) fn aggregate(name: &str) -> Option<Arc<AggregateUDF>> {
    functions().aggregate.get(other(AGGREGATE, name)?).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there() {
        assert!(SCALAR.iter().all(|(name, _)| scalar(name).is_some()));
        assert!(AGGREGATE.iter().all(|(name, _)| aggregate(name).is_some()));
        assert!(scalar("dayname").is_none());
    }
}
