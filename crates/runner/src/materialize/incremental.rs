//! `materialized: incremental`: the first run builds the whole table, later ones change it.
//!
//! The whole table is built when it does not exist, when a view is in its place, and under `--full-refresh` (the
//! model's own `full_refresh` wins). Otherwise the strategy decides, `merge` by default when there is a unique key
//! and `append` when there is none; without a key, `merge` and `delete+insert` have nothing to match and append.
//! Where only an interval is read (`backfill`), the whole table is never built.
//! Models of the strategy `microbatch` are not decided here but batch by batch, in [`super::microbatch`].

pub(crate) mod overwrite;

use millstream_core::warehouse::{Dialect, OnSchemaChange, Relation, RelationKind, Stage};
use millstream_core::{Error, Result};
use millstream_project::Node;

use super::{Decision, quote, quoted, table};
use crate::execute::session::Session;

pub(super) async fn decide(session: &Session, node: &Node, sql: String) -> Result<Decision> {
    let config = &node.config;
    let strategy = Strategy::of(node)?;
    if config.full_refresh.unwrap_or(session.full_refresh) {
        return whole(session, node, sql);
    }
    let existing = session.warehouse.relation(&node.table_name()).await?;
    let Some(existing) = existing.filter(|relation| relation.kind == RelationKind::Table) else {
        return whole(session, node, sql);
    };
    let dialect = session.dialect();
    let unique_key = stored(dialect, &config.unique_key);
    let keys = unique_key.join(", ");
    let name = quoted(node);
    let predicates = config.incremental_predicates.clone();
    let (stage, run_sql) = match strategy {
        Strategy::Merge if !unique_key.is_empty() => {
            let update_columns = update_columns(node, dialect, &existing);
            let updated = if update_columns.is_empty() { "every column".into() } else { update_columns.join(", ") };
            let run_sql = format!("-- merge into {name} on {keys}, updating {updated}, the rows of\n{sql}");
            (Stage::Merge { sql, unique_key, update_columns, predicates }, run_sql)
        }
        Strategy::DeleteInsert if !unique_key.is_empty() => {
            let run_sql = format!("-- delete from {name} by {keys}, then insert, the rows of\n{sql}");
            (Stage::DeleteInsert { sql, unique_key, predicates }, run_sql)
        }
        Strategy::InsertOverwrite => overwrite::decide(session, node, sql).await?,
        _ => {
            let run_sql = format!("insert into {name} (\n{sql}\n)");
            (Stage::Append { sql }, run_sql)
        }
    };
    let on_schema_change: OnSchemaChange = config.on_schema_change;
    Ok(Decision { stage, on_schema_change, run_sql })
}

/// The whole table, unless the query has the rows of an interval only.
fn whole(session: &Session, node: &Node, sql: String) -> Result<Decision> {
    if session.reading.is_interval {
        return Err(Error::user(format!("{} has no table that an interval could be put into", node.name))
            .why("it would be made whole, from the rows of this interval alone")
            .hint(format!("millstream build --select {} makes it", node.name)));
    }
    Ok(table::decide(node, sql))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Append,
    Merge,
    DeleteInsert,
    InsertOverwrite,
}

impl Strategy {
    fn of(node: &Node) -> Result<Self> {
        match node.config.incremental_strategy.as_deref() {
            None | Some("default") if node.config.unique_key.is_empty() => Ok(Self::Append),
            None | Some("default" | "merge") => Ok(Self::Merge),
            Some("append") => Ok(Self::Append),
            Some("delete+insert" | "delete_insert") => Ok(Self::DeleteInsert),
            Some("insert_overwrite") => Ok(Self::InsertOverwrite),
            Some(other) => {
                Err(Error::user(format!("{} has the incremental strategy '{other}', which is not known", node.name))
                    .hint("use one of: append, merge, delete+insert, insert_overwrite, microbatch"))
            }
        }
    }
}

/// Names of columns as the table has them. dbt writes configured names into its SQL as they are: in Snowflake's they mean
/// the same column in any case, unless they bring quotes.
fn stored(dialect: Dialect, names: &[String]) -> Vec<String> {
    match dialect {
        Dialect::Native => names.to_vec(),
        Dialect::Snowflake => names.iter().map(|name| millstream_sql::snowflake::fold_written(name)).collect(),
    }
}

/// dbt's `merge_update_columns`, or all but `merge_exclude_columns` and the key; empty means all.
fn update_columns(node: &Node, dialect: Dialect, existing: &Relation) -> Vec<String> {
    let config = &node.config;
    if !config.merge_update_columns.is_empty() || config.merge_exclude_columns.is_empty() {
        return stored(dialect, &config.merge_update_columns);
    }
    let excluded = stored(dialect, &config.merge_exclude_columns);
    let keys = stored(dialect, &config.unique_key);
    let is_left_out = |column: &str| {
        let mut names = excluded.iter().chain(&keys);
        names.any(|name| name.eq_ignore_ascii_case(column) || *name == quote(column))
    };
    let columns = existing.schema.fields().iter().map(|field| field.name());
    columns.filter(|column| !is_left_out(column)).cloned().collect()
}
