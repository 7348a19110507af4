//! The packages that ship with Millstream: `dbt` (what dbt calls its global project), `dbt_utils`, `dbt_date` and
//! `dbt_expectations`.
//!
//! All but `dbt` are whole dbt packages, so dbt-core can use the very same folders as local packages.

use crate::MacroFile;

macro_rules! files {
    ($($package:literal: $($path:literal),* $(,)?;)*) => {
        &[$($(($package, $path, include_str!(concat!("../macros/", $package, "/", $path))),)*)*]
    };
}

const FILES: &[(&str, &str, &str)] = files! {
    "dbt":
        "macros/columns.sql",
        "macros/config.sql",
        "macros/dates.sql",
        "macros/hooks.sql",
        "macros/materializations/incremental.sql",
        "macros/materializations/schema_changes.sql",
        "macros/materializations/strategies.sql",
        "macros/materializations/table.sql",
        "macros/materializations/view.sql",
        "macros/naming.sql",
        "macros/relations.sql",
        "macros/rights.sql",
        "macros/series.sql",
        "macros/sets.sql",
        "macros/snowflake.sql",
        "macros/statement.sql",
        "macros/text.sql",
        "macros/types.sql",
        "tests/generic.sql";
    "dbt_utils":
        "macros/generic_tests/comparisons.sql",
        "macros/generic_tests/groups.sql",
        "macros/generic_tests/rows.sql",
        "macros/log/log.sql",
        "macros/sql/arithmetic.sql",
        "macros/sql/columns.sql",
        "macros/sql/keys.sql",
        "macros/sql/queries.sql",
        "macros/sql/relations.sql",
        "macros/sql/series.sql",
        "macros/sql/shape.sql",
        "macros/web/urls.sql";
    "dbt_date":
        "macros/now.sql",
        "macros/parts.sql",
        "macros/tables.sql";
    "dbt_expectations":
        "macros/aggregates/numbers.sql",
        "macros/aggregates/sets.sql",
        "macros/distribution/distribution.sql",
        "macros/helpers/functions.sql",
        "macros/helpers/truth.sql",
        "macros/missing_values/missing_values.sql",
        "macros/multi_column/multi_column.sql",
        "macros/sets_and_ranges/sets_and_ranges.sql",
        "macros/string_matching/string_matching.sql",
        "macros/table_shape/columns.sql",
        "macros/table_shape/rows.sql";
};

/// Names of the built-in packages that a project may bring itself; its own one is then used instead.
pub const REPLACEABLE: &[&str] = &["dbt_utils", "dbt_date", "dbt_expectations"];

/// Every file of the built-in packages, paths from the root of its package.
pub fn files() -> impl Iterator<Item = MacroFile> {
    FILES.iter().map(|(package, path, text)| MacroFile {
        package: (*package).to_owned(),
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    })
}
