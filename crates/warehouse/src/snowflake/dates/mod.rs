//! Functions of dates and times, one file a group. Weeks begin on Monday, days of the week count from Sunday as 0:
//! Snowflake's defaults of WEEK_START and WEEK_OF_YEAR_POLICY.

mod add;
mod diff;
mod instant;
mod make;
mod months;
mod near;
mod part;
mod slice;
mod trunc;
mod zones;

pub(super) use trunc::{date_type, truncate};

use super::scalar::Function;

/// All functions of dates and times.
pub(super) fn families() -> [&'static [Function]; 9] {
    [
        add::FUNCTIONS,
        diff::FUNCTIONS,
        make::FUNCTIONS,
        months::FUNCTIONS,
        near::FUNCTIONS,
        part::FUNCTIONS,
        slice::FUNCTIONS,
        trunc::FUNCTIONS,
        zones::FUNCTIONS,
    ]
}
