//! The packages that ship with Millstream: `dbt` (what dbt calls its global project) and `dbt_utils`.
//!
//! `macros/dbt_utils` is a whole dbt package, so dbt-core can use the very same folder as a local package.

use crate::MacroFile;

macro_rules! files {
    ($($package:literal: $($path:literal),* $(,)?;)*) => {
        &[$($(($package, $path, include_str!(concat!("../macros/", $package, "/", $path))),)*)*]
    };
}

const FILES: &[(&str, &str, &str)] = files! {
    "dbt":
        "macros/config.sql",
        "macros/dates.sql",
        "macros/naming.sql",
        "macros/relations.sql",
        "macros/series.sql",
        "macros/sets.sql",
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
        "macros/sql/series.sql",
        "macros/sql/shape.sql",
        "macros/web/urls.sql";
};

/// Every file of the built-in packages, paths from the root of its package.
pub fn files() -> impl Iterator<Item = MacroFile> {
    FILES.iter().map(|(package, path, text)| MacroFile {
        package: (*package).to_owned(),
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    })
}
