//! The queries of a snapshot.
//!
//! Names that begin with `dbt_internal_` are ours; the rest are the user's or the snapshot's own columns.

mod ordered;

use arrow::datatypes::Schema;

use super::config::{Config, HardDeletes, Strategy};
use crate::materialize::quote;

/// How many rows of a key there may be in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// One.
    Single,
    /// Several, which are versions in the order of their time.
    ByTime,
}

/// Every row of the query as a version. With the query's columns (`by_time`) several rows may have one key: the last
/// of each holds, the ones before it end where the next begins.
pub(super) fn first(config: &Config<'_>, sql: &str, now: &str, by_time: Option<&Schema>) -> String {
    let names = &config.names;
    let updated_at = config.updated_at(now);
    if let Some(source) = by_time {
        return ordered::first(config, sql, updated_at, source);
    }
    let mut own = vec![
        format!(
            "{} as {}",
            hash(config.unique_key.iter().map(String::as_str).chain([updated_at])),
            quote(&names.dbt_scd_id)
        ),
        format!("{updated_at} as {}", quote(&names.dbt_updated_at)),
        format!("{updated_at} as {}", quote(&names.dbt_valid_from)),
        format!("{} as {}", still_valid(config, updated_at), quote(&names.dbt_valid_to)),
    ];
    if config.hard_deletes == HardDeletes::NewRecord {
        own.push(format!("'False' as {}", quote(&names.dbt_is_deleted)));
    }
    format!("select\n  dbt_internal_source.*,\n  {}\nfrom (\n{sql}\n) as dbt_internal_source", own.join(",\n  "))
}

/// The rows to merge: new versions, and the versions that they close. `target` is the quoted name of the snapshot.
pub(super) fn changes(
    config: &Config<'_>,
    sql: &str,
    target: &str,
    source: &Schema,
    existing: &Schema,
    now: &str,
    order: Order,
) -> String {
    let columns = Columns { config, source, existing };
    let names = &config.names;
    let scd_id = quote(&names.dbt_scd_id);
    let valid_to = quote(&names.dbt_valid_to);
    let updated_at = config.updated_at(now);
    let keys = config.unique_key.iter().enumerate();
    let key_columns: String =
        keys.clone().map(|(number, key)| format!(",\n    {key} as dbt_internal_key_{number}")).collect();
    let same_key = keys
        .map(|(number, _)| format!("new.dbt_internal_key_{number} = old.dbt_internal_key_{number}"))
        .collect::<Vec<_>>()
        .join(" and ");
    let is_current = match config.valid_to_current {
        Some(current) => format!("{valid_to} = {current} or {valid_to} is null"),
        None => format!("{valid_to} is null"),
    };
    let mut is_changed = row_changed(&columns);
    if config.hard_deletes == HardDeletes::NewRecord {
        is_changed = format!("({is_changed}) or old.{} = 'True'", quote(&names.dbt_is_deleted));
    }
    let new_id = hash(config.unique_key.iter().map(String::as_str).chain([updated_at]));
    let again = hash(["new.dbt_internal_new_id", now].into_iter());
    let mut text = if order == Order::ByTime {
        ordered::changes(&ordered::Parts {
            columns: &columns,
            sql,
            target,
            key_columns: &key_columns,
            same_key: &same_key,
            is_current: &is_current,
            updated_at,
            new_id: &new_id,
            again: &again,
        })
    } else {
        format!(
            "with dbt_internal_source as (\n{sql}\n),\n\
         dbt_internal_new as (\n  select\n    dbt_internal_source.*{key_columns},\n    {updated_at} as dbt_internal_updated_at,\n    {new_id} as dbt_internal_new_id\n  from dbt_internal_source\n),\n\
         dbt_internal_old as (\n  select\n    dbt_internal_target.*{key_columns}\n  from {target} as dbt_internal_target\n  where {is_current}\n),\n\
         dbt_internal_taken as (\n  select {scd_id} as dbt_internal_id from {target}\n)\n\
         -- new versions\n\
         select\n  {}\nfrom dbt_internal_new as new\n\
         left join dbt_internal_old as old on {same_key}\n\
         left join dbt_internal_taken as taken on taken.dbt_internal_id = new.dbt_internal_new_id\n\
         where old.{scd_id} is null or {is_changed}\n\
         union all\n-- versions that end, because their row has changed\n\
         select\n  {}\nfrom dbt_internal_old as old\n\
         join dbt_internal_new as new on {same_key}\n\
         where {is_changed}",
            columns.of_new(&again, None),
            columns.of_old("new.dbt_internal_updated_at"),
        )
    };
    if config.hard_deletes != HardDeletes::Ignore {
        text.push_str(&deletions(&columns, &same_key, now));
    }
    text
}

/// Versions whose row is gone, and the records that say so.
fn deletions(columns: &Columns<'_>, same_key: &str, now: &str) -> String {
    let config = columns.config;
    let deleted = quote(&config.names.dbt_is_deleted);
    let is_new_record = config.hard_deletes == HardDeletes::NewRecord;
    let but = if is_new_record { format!(" and old.{deleted} <> 'True'") } else { String::new() };
    let gone = format!(
        "from dbt_internal_old as old\nleft join dbt_internal_new as new on {same_key}\n\
         where new.dbt_internal_new_id is null{but}"
    );
    let mut text = format!(
        "\nunion all\n-- versions that end, because their row is gone\nselect\n  {}\n{gone}",
        columns.of_old(now)
    );
    if is_new_record {
        text.push_str(&format!("\nunion all\n-- records of deletion\nselect\n  {}\n{gone}", columns.of_deletion(now)));
    }
    text
}

/// Whether a row of the query (`new`) differs from its current version (`old`).
fn row_changed(columns: &Columns<'_>) -> String {
    match &columns.config.strategy {
        Strategy::Timestamp(_) => {
            format!("old.{} < new.dbt_internal_updated_at", quote(&columns.config.names.dbt_valid_from))
        }
        Strategy::Check { columns: None, .. } => {
            let added = columns.source.fields().iter().any(|field| !columns.is_existing(field.name()));
            if added {
                return "true".into();
            }
            distinct(columns.source.fields().iter().map(|field| quote(field.name())))
        }
        Strategy::Check { columns: Some(checked), .. } => distinct(checked.iter().cloned()),
    }
}

fn distinct(columns: impl Iterator<Item = String>) -> String {
    // In brackets, because the parser lets `is distinct from` take everything up to the end of an `or`.
    let differs = columns.map(|column| format!("(new.{column} is distinct from old.{column})"));
    format!("({})", differs.collect::<Vec<_>>().join(" or "))
}

/// dbt's hash of several values.
fn hash<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let parts: Vec<String> = values.map(|value| format!("coalesce(cast({value} as varchar), '')")).collect();
    format!("md5({})", parts.join(" || '|' || "))
}

/// What `dbt_valid_to` is while a version holds, in the type of `updated_at`.
fn still_valid(config: &Config<'_>, updated_at: &str) -> String {
    match config.valid_to_current {
        Some(current) => format!("coalesce(nullif({updated_at}, {updated_at}), {current})"),
        None => format!("nullif({updated_at}, {updated_at})"),
    }
}

/// The columns of the merged rows: those of the snapshot, then those that the query has gained since.
struct Columns<'a> {
    config: &'a Config<'a>,
    source: &'a Schema,
    existing: &'a Schema,
}

impl Columns<'_> {
    fn is_existing(&self, name: &str) -> bool {
        self.existing.field_with_name(name).is_ok()
    }

    fn is_own(&self, name: &str) -> bool {
        self.config.own_columns().contains(&name)
    }

    fn list(&self, value: impl Fn(&str) -> String) -> String {
        let gained = self.source.fields().iter().filter(|field| !self.is_existing(field.name()));
        let all = self.existing.fields().iter().chain(gained);
        let items = all.map(|field| format!("{} as {}", value(field.name()), quote(field.name())));
        items.collect::<Vec<_>>().join(",\n  ")
    }

    /// A new version; `again` is the id for the case that its own is taken.
    /// `until` is where the next version of the same run begins, which is null for the last one.
    fn of_new(&self, again: &str, until: Option<&str>) -> String {
        let names = &self.config.names;
        let updated_at = "new.dbt_internal_updated_at";
        self.list(|name| {
            if name == names.dbt_scd_id {
                format!("case when taken.dbt_internal_id is null then new.dbt_internal_new_id else {again} end")
            } else if name == names.dbt_updated_at || name == names.dbt_valid_from {
                updated_at.into()
            } else if name == names.dbt_valid_to {
                match (until, self.config.valid_to_current) {
                    (None, _) => still_valid(self.config, updated_at),
                    (Some(until), Some(current)) => format!("coalesce({until}, {current})"),
                    (Some(until), None) => until.to_owned(),
                }
            } else if name == names.dbt_is_deleted && self.is_own(name) {
                "'False'".into()
            } else if self.source.field_with_name(name).is_ok() {
                format!("new.{}", quote(name))
            } else {
                "null".into()
            }
        })
    }

    /// A version as it is, closed at `valid_to`.
    fn of_old(&self, valid_to: &str) -> String {
        self.list(|name| {
            if name == self.config.names.dbt_valid_to {
                valid_to.into()
            } else if self.is_existing(name) {
                format!("old.{}", quote(name))
            } else {
                "null".into()
            }
        })
    }

    /// The record that a row was deleted now.
    fn of_deletion(&self, now: &str) -> String {
        let names = &self.config.names;
        let id = format!("old.{}", quote(&names.dbt_scd_id));
        self.list(|name| {
            if name == names.dbt_scd_id {
                hash([id.as_str(), now].into_iter())
            } else if name == names.dbt_updated_at || name == names.dbt_valid_from {
                now.into()
            } else if name == names.dbt_is_deleted {
                "'True'".into()
            } else if self.is_existing(name) {
                format!("old.{}", quote(name))
            } else {
                "null".into()
            }
        })
    }
}
