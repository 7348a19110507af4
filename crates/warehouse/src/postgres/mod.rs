//! Functions whose meaning in PostgreSQL, whose dialect projects are written in, is another than in the engine.
//!
//! Guarantees: what the engine understood before, it still does (`to_char(d, '%Y-%m')`). Not here: Snowflake's functions.

pub(crate) mod borrowed;
mod coalesce;
mod date_trunc;
mod division;
mod interval;
mod json;
mod modulo;
mod pattern;
mod round;
mod timezone;
mod to_char;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

pub(crate) use division::WideDivision;
pub(crate) use interval::IntervalOperators;
pub(crate) use json::JsonOperators;

/// The functions that replace the engine's of the same name.
pub(crate) fn functions() -> impl Iterator<Item = Arc<ScalarUDF>> {
    let all = [
        coalesce::Coalesce::udf(),
        date_trunc::DateTrunc::udf(),
        modulo::Modulo::udf(),
        round::Round::udf(),
        timezone::Timezone::udf(),
        to_char::ToChar::udf(),
    ];
    all.into_iter().map(Arc::new)
}
