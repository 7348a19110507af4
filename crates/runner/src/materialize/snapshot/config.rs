//! What a snapshot's configuration means.

use arrow::datatypes::DataType;
use chrono::{DateTime, Utc};
use millstream_core::warehouse::Dialect;
use millstream_core::{Error, Result};
use millstream_project::{Node, SnapshotColumnNames};

use crate::sqltype::sql_type;

/// What is done with rows that are gone from the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HardDeletes {
    Ignore,
    Invalidate,
    NewRecord,
}

/// How changes are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Strategy<'a> {
    /// By this column.
    Timestamp(&'a str),
    /// By comparing columns, `None` for all; `updated_at` is this column or the time of the run.
    Check { columns: Option<&'a [String]>, updated_at: Option<&'a str> },
}

/// A checked configuration.
#[derive(Debug)]
pub(super) struct Config<'a> {
    pub(super) strategy: Strategy<'a>,
    /// Columns or expressions.
    pub(super) unique_key: &'a [String],
    pub(super) hard_deletes: HardDeletes,
    /// SQL that stands for "still valid" instead of null.
    pub(super) valid_to_current: Option<&'a str>,
    /// Names of the snapshot's own columns, as they are stored.
    pub(super) names: SnapshotColumnNames,
}

impl<'a> Config<'a> {
    pub(super) fn of(node: &'a Node, dialect: Dialect) -> Result<Self> {
        let config = &node.config;
        let wrong = |what: String, hint: &str| Error::user(format!("the snapshot {} {what}", node.name)).hint(hint);
        if config.unique_key.is_empty() {
            return Err(wrong("has no unique_key".into(), "add unique_key: the column or columns that identify a row"));
        }
        let updated_at = config.updated_at.as_deref();
        let strategy = match (config.strategy.as_deref(), updated_at) {
            (Some("timestamp"), Some(updated_at)) => Strategy::Timestamp(updated_at),
            (Some("timestamp"), None) => {
                return Err(wrong(
                    "has the strategy timestamp and no updated_at".into(),
                    "add updated_at: the column that tells when a row was last changed",
                ));
            }
            (Some("check"), updated_at) => match config.check_cols.as_slice() {
                [] => {
                    return Err(wrong(
                        "has the strategy check and no check_cols".into(),
                        "add check_cols: the columns to compare, or all",
                    ));
                }
                [all] if all == "all" => Strategy::Check { columns: None, updated_at },
                columns => Strategy::Check { columns: Some(columns), updated_at },
            },
            (other, _) => {
                let other = other.unwrap_or_default();
                return Err(wrong(format!("has the unknown strategy '{other}'"), "use timestamp or check"));
            }
        };
        let hard_deletes = match config.hard_deletes.as_str() {
            "ignore" => HardDeletes::Ignore,
            "invalidate" => HardDeletes::Invalidate,
            "new_record" => HardDeletes::NewRecord,
            other => {
                return Err(wrong(
                    format!("has the unknown hard_deletes '{other}'"),
                    "use ignore, invalidate or new_record",
                ));
            }
        };
        Ok(Self {
            strategy,
            unique_key: &config.unique_key,
            hard_deletes,
            valid_to_current: config.dbt_valid_to_current.as_deref(),
            names: stored(&config.snapshot_column_names, dialect),
        })
    }

    /// The columns that the snapshot adds to the query's, in their order.
    pub(super) fn own_columns(&self) -> Vec<&str> {
        let names = &self.names;
        let mut own: Vec<&str> =
            vec![&names.dbt_scd_id, &names.dbt_updated_at, &names.dbt_valid_from, &names.dbt_valid_to];
        if self.hard_deletes == HardDeletes::NewRecord {
            own.push(&names.dbt_is_deleted);
        }
        own
    }

    /// SQL for the time of the run, in the type that the snapshot already has for times.
    pub(super) fn now(&self, now: DateTime<Utc>, like: Option<&DataType>) -> String {
        let data_type = match like {
            Some(data_type @ (DataType::Timestamp(..) | DataType::Date32)) => sql_type(data_type),
            _ => "timestamptz".into(),
        };
        let text = now.format("%Y-%m-%dT%H:%M:%S%.6f");
        let zone = if data_type == "timestamptz" { "Z" } else { "" };
        format!("cast('{text}{zone}' as {data_type})")
    }

    /// SQL over a row of the query: since when its version is valid.
    pub(super) fn updated_at<'b>(&'b self, now: &'b str) -> &'b str {
        match &self.strategy {
            Strategy::Timestamp(updated_at) => updated_at,
            Strategy::Check { updated_at, .. } => updated_at.unwrap_or(now),
        }
    }
}

/// The names as the dialect stores them: `VALID_FROM` is `valid_from` in Snowflake's.
fn stored(names: &SnapshotColumnNames, dialect: Dialect) -> SnapshotColumnNames {
    let stored = |name: &String| match dialect {
        Dialect::Native => name.clone(),
        Dialect::Snowflake => millstream_sql::snowflake::fold_written(name),
    };
    SnapshotColumnNames {
        dbt_scd_id: stored(&names.dbt_scd_id),
        dbt_updated_at: stored(&names.dbt_updated_at),
        dbt_valid_from: stored(&names.dbt_valid_from),
        dbt_valid_to: stored(&names.dbt_valid_to),
        dbt_is_deleted: stored(&names.dbt_is_deleted),
    }
}
