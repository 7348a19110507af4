//! The queries of a snapshot whose source has several rows for one key: each is a version, in the order of its time.
//!
//! Of a key that is known, only rows after the newest known version count, since a source that keeps all versions
//! gives the old ones again in every run. When a key that was gone comes back, its last row counts whatever its time.

use arrow::datatypes::Schema;

use super::{Columns, hash};
use crate::materialize::quote;
use crate::materialize::snapshot::config::{Config, HardDeletes, Strategy};

/// What both ways to find changes share.
pub(super) struct Parts<'a> {
    pub(super) columns: &'a Columns<'a>,
    pub(super) sql: &'a str,
    pub(super) target: &'a str,
    pub(super) key_columns: &'a str,
    pub(super) same_key: &'a str,
    pub(super) is_current: &'a str,
    pub(super) updated_at: &'a str,
    pub(super) new_id: &'a str,
    pub(super) again: &'a str,
}

/// Every row as a version; of rows that follow each other and are the same to the check, the first.
pub(super) fn first(config: &Config<'_>, sql: &str, updated_at: &str, source: &Schema) -> String {
    let names = &config.names;
    let keys = config.unique_key.join(", ");
    let checked = checked(config, source);
    let sql = if checked.is_empty() {
        sql.to_owned()
    } else {
        let window = format!("over (partition by {keys} order by {updated_at})");
        let changed = checked.iter().map(|column| format!(" or ({column} is distinct from lag({column}) {window})"));
        format!(
            "select dbt_internal_all.*\nfrom (\n{sql}\n) as dbt_internal_all\nqualify row_number() {window} = 1{}",
            changed.collect::<String>()
        )
    };
    let window = format!("over (partition by {keys} order by {updated_at})");
    let valid_to = match config.valid_to_current {
        Some(current) => format!("coalesce(lead({updated_at}) {window}, {current})"),
        None => format!("lead({updated_at}) {window}"),
    };
    let id = hash(config.unique_key.iter().map(String::as_str).chain([updated_at]));
    let mut own = vec![
        format!("{id} as {}", quote(&names.dbt_scd_id)),
        format!("{updated_at} as {}", quote(&names.dbt_updated_at)),
        format!("{updated_at} as {}", quote(&names.dbt_valid_from)),
        format!("{valid_to} as {}", quote(&names.dbt_valid_to)),
    ];
    if config.hard_deletes == HardDeletes::NewRecord {
        own.push(format!("'False' as {}", quote(&names.dbt_is_deleted)));
    }
    format!("select\n  dbt_internal_source.*,\n  {}\nfrom (\n{sql}\n) as dbt_internal_source", own.join(",\n  "))
}

/// New versions, and the versions that the first of each key closes.
pub(super) fn changes(parts: &Parts<'_>) -> String {
    let Parts { columns, sql, target, key_columns, same_key, is_current, updated_at, new_id, again } = parts;
    let config = columns.config;
    let names = &config.names;
    let (scd_id, valid_from) = (quote(&names.dbt_scd_id), quote(&names.dbt_valid_from));
    let count = config.unique_key.len();
    let keys = |prefix: &str| {
        (0..count).map(|number| format!("{prefix}dbt_internal_key_{number}")).collect::<Vec<_>>().join(", ")
    };
    let known_key = (0..count)
        .map(|number| format!("new.dbt_internal_key_{number} = known.dbt_internal_key_{number}"))
        .collect::<Vec<_>>()
        .join(" and ");
    let bare = keys("");
    let order = format!("over (partition by {bare} order by dbt_internal_updated_at)");
    let is_back = match config.hard_deletes {
        HardDeletes::NewRecord => format!("old.{scd_id} is null or old.{} = 'True'", quote(&names.dbt_is_deleted)),
        _ => format!("old.{scd_id} is null"),
    };
    let kept = kept(columns);
    format!(
        "with dbt_internal_source as (\n{sql}\n),\n\
         dbt_internal_read as (\n  select\n    dbt_internal_source.*{key_columns},\n    {updated_at} as dbt_internal_updated_at,\n    {new_id} as dbt_internal_new_id\n  from dbt_internal_source\n),\n\
         dbt_internal_new as (\n  select *,\n    count(*) over (partition by {bare}) as dbt_internal_versions,\n    row_number() over (partition by {bare} order by dbt_internal_updated_at desc) as dbt_internal_last\n  from dbt_internal_read\n),\n\
         dbt_internal_old as (\n  select\n    dbt_internal_target.*{key_columns}\n  from {target} as dbt_internal_target\n  where {is_current}\n),\n\
         dbt_internal_known as (\n  select {bare}, max(dbt_internal_since) as dbt_internal_since\n  from (select dbt_internal_target.{valid_from} as dbt_internal_since{key_columns} from {target} as dbt_internal_target)\n  group by {bare}\n),\n\
         dbt_internal_taken as (\n  select {scd_id} as dbt_internal_id from {target}\n),\n\
         dbt_internal_ordered as (\n  select new.*,\n    old.{scd_id} as dbt_internal_old_id,\n    ({is_back}) as dbt_internal_is_back,\n    {differs} as dbt_internal_differs\n  from dbt_internal_new as new\n  left join dbt_internal_old as old on {same_key}\n  left join dbt_internal_known as known on {known_key}\n  where known.dbt_internal_since is null or new.dbt_internal_updated_at > known.dbt_internal_since\n    or (({is_back}) and new.dbt_internal_last = 1){single}\n),\n\
         dbt_internal_compared as (\n  select *, row_number() {order} as dbt_internal_turn{before}\n  from dbt_internal_ordered\n),\n\
         dbt_internal_next as (\n  select *, lead(dbt_internal_updated_at) {order} as dbt_internal_until,\n    row_number() {order} as dbt_internal_first\n  from dbt_internal_compared\n  where {kept}\n)\n\
         -- new versions\n\
         select\n  {of_new}\nfrom dbt_internal_next as new\n\
         left join dbt_internal_taken as taken on taken.dbt_internal_id = new.dbt_internal_new_id\n\
         union all\n-- versions that end, because their row has changed\n\
         select\n  {of_old}\nfrom dbt_internal_old as old\n\
         join dbt_internal_next as new on new.dbt_internal_old_id = old.{scd_id} and new.dbt_internal_first = 1",
        differs = match config.strategy {
            Strategy::Timestamp(_) => "true".to_owned(),
            Strategy::Check { .. } => super::row_changed(columns),
        },
        // As in dbt, the check of a single row does not look at its time.
        single = match config.strategy {
            Strategy::Timestamp(_) => "",
            Strategy::Check { .. } => " or new.dbt_internal_versions = 1",
        },
        before = before(columns, &order),
        of_new = columns.of_new(again, Some("new.dbt_internal_until")),
        of_old = columns.of_old("new.dbt_internal_updated_at"),
    )
}

/// The columns that are compared with the version before.
fn checked(config: &Config<'_>, source: &Schema) -> Vec<String> {
    match &config.strategy {
        Strategy::Timestamp(_) => Vec::new(),
        Strategy::Check { columns: Some(checked), .. } => checked.to_vec(),
        Strategy::Check { columns: None, .. } => source.fields().iter().map(|field| quote(field.name())).collect(),
    }
}

fn before(columns: &Columns<'_>, order: &str) -> String {
    let checked = checked(columns.config, columns.source);
    let lags = checked.iter().enumerate();
    lags.map(|(number, column)| format!(",\n    lag({column}) {order} as dbt_internal_before_{number}")).collect()
}

/// Whether a row is a version of its own: the first against what holds, the others against the one before.
fn kept(columns: &Columns<'_>) -> String {
    let checked = checked(columns.config, columns.source);
    if checked.is_empty() {
        return "true".into();
    }
    let changed = checked.iter().enumerate();
    let changed = changed.map(|(number, column)| format!("({column} is distinct from dbt_internal_before_{number})"));
    format!(
        "(dbt_internal_turn = 1 and (dbt_internal_is_back or dbt_internal_differs)) or (dbt_internal_turn > 1 and ({}))",
        changed.collect::<Vec<_>>().join(" or ")
    )
}
