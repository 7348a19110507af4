//! Whose macros `adapter.dispatch` takes: the kinds of warehouse that a kind descends from.
//!
//! Guarantees: the same order at run time and in the manifest's `depends_on.macros`.

/// The prefixes of macro names to search, nearest first, for an adapter type: `millstream__`, `postgres__`, `default__`.
///
/// The embedded warehouse speaks PostgreSQL's dialect (integers divide to integers, `distinct on`, `to_char`,
/// `interval '1 day'`), so what a package wrote for PostgreSQL is right on it where its `default__` macro, often written
/// for Snowflake, is not. Redshift and Databricks inherit as their dbt adapters do.
pub(crate) fn prefixes(kind: &str) -> Vec<&str> {
    let parent = match kind {
        "millstream" | "redshift" => Some("postgres"),
        "databricks" => Some("spark"),
        _ => None,
    };
    let mut all = vec![kind];
    all.extend(parent);
    if kind != "default" {
        all.push("default");
    }
    all
}

#[cfg(test)]
mod tests {
    use super::prefixes;

    #[test]
    fn the_nearest_dialect_comes_first() {
        assert_eq!(prefixes("millstream"), ["millstream", "postgres", "default"]);
        assert_eq!(prefixes("redshift"), ["redshift", "postgres", "default"]);
        assert_eq!(prefixes("databricks"), ["databricks", "spark", "default"]);
        assert_eq!(prefixes("snowflake"), ["snowflake", "default"]);
        assert_eq!(prefixes("default"), ["default"]);
    }
}
