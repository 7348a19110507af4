//! Functions whose meaning in PostgreSQL, whose dialect projects are written in, is another than in the engine.
//!
//! Guarantees: what the engine understood before, it still does (`to_char(d, '%Y-%m')`). Not here: Snowflake's functions.

mod pattern;
mod timezone;
mod to_char;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

/// The functions that replace the engine's of the same name.
pub(crate) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::new(to_char::ToChar::udf()), Arc::new(timezone::Timezone::udf())]
}
