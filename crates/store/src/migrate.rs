//! The tables of `state.db` and how an older file becomes a newer one.
//!
//! Guarantees: each step runs in the same transaction as the change of version, so that a crash leaves a file of
//! one version or the next. Steps are only ever added; a step that has shipped is never edited.

use millstream_core::{Error, Result};
use rusqlite::{Connection, TransactionBehavior};

/// `Mlst`: marks the file as ours, so that another program's database is not taken for one of an early version.
const APPLICATION_ID: i32 = 0x4d6c_7374;

/// One script for each version, oldest first.
const STEPS: &[&str] = &[
    "
    create table runs (
        invocation_id text primary key,
        command text not null,
        args text not null,
        started_us integer not null,
        finished_us integer,
        status text not null check (status in ('running', 'success', 'failed', 'cancelled', 'interrupted')),
        pid integer not null,
        message text
    ) strict;
    create index runs_by_start on runs (started_us);
    create table node_results (
        invocation_id text not null references runs (invocation_id) on delete cascade,
        unique_id text not null,
        status text not null,
        started_us integer not null,
        duration_us integer not null,
        rows integer,
        failures integer,
        relation text,
        version integer,
        message text,
        primary key (invocation_id, unique_id)
    ) strict, without rowid;
    create index node_results_by_node on node_results (unique_id, started_us);
    create table ledger (
        id integer primary key,
        table_schema text not null,
        table_name text not null,
        kind text not null,
        unit text not null,
        content_hash text not null,
        offset_start integer not null,
        offset_end integer,
        rows_in integer not null,
        rows_loaded integer not null,
        rows_quarantined integer not null,
        outcome text not null,
        reason text,
        table_version integer,
        quarantine_version integer,
        started_us integer not null,
        duration_ms integer not null,
        unique (table_schema, table_name, unit, content_hash, offset_start, outcome)
    ) strict;
    create index ledger_by_start on ledger (started_us, id);
",
    "
    alter table runs add column cause text not null default 'cli';
    alter table runs add column attempt integer not null default 1;
    create index runs_by_cause on runs (cause, started_us);
    create table schedules (
        name text primary key,
        paused integer check (paused in (0, 1)),
        handled_us integer
    ) strict;
    create table ticks (
        schedule text not null,
        due_us integer not null,
        state text not null check (state in ('waiting', 'running', 'success', 'failed', 'skipped')),
        attempts integer not null,
        next_try_us integer not null,
        invocation_id text,
        primary key (schedule, due_us)
    ) strict, without rowid;
    create index ticks_by_state on ticks (state, due_us);
",
    "
    alter table schedules add column pattern text;
",
];

/// The version of the tables that this program writes, as kept in SQLite's `user_version`.
pub const SCHEMA_VERSION: i64 = STEPS.len() as i64;

/// Brings the file to [`SCHEMA_VERSION`]. Two processes may do so at once: the second finds nothing left to do.
pub(crate) fn migrate(connection: &mut Connection, file: &str) -> Result<()> {
    let to_error = |error| crate::open::sqlite_error(error, file);
    if version(connection).map_err(to_error)? == SCHEMA_VERSION {
        return check_owner(connection, file);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(to_error)?;
    let found = version(&transaction).map_err(to_error)?;
    if found > SCHEMA_VERSION {
        return Err(Error::environment(format!("{file} was written by a newer Millstream"))
            .why(format!("its tables have version {found}, this program knows versions up to {SCHEMA_VERSION}"))
            .hint("use the newer program, or move the file away to start with an empty history (no data is lost)"));
    }
    if found == 0 {
        let tables: i64 = transaction
            .query_row("select count(*) from sqlite_schema where name not like 'sqlite_%'", [], |row| row.get(0))
            .map_err(to_error)?;
        if tables > 0 {
            return Err(foreign(file));
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(to_error)?;
    } else {
        check_owner(&transaction, file)?;
    }
    let done = usize::try_from(found).unwrap_or(0);
    for step in STEPS.iter().skip(done) {
        transaction.execute_batch(step).map_err(to_error)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(to_error)?;
    transaction.commit().map_err(to_error)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("pragma user_version", [], |row| row.get(0))
}

fn check_owner(connection: &Connection, file: &str) -> Result<()> {
    let id: i32 = connection
        .query_row("pragma application_id", [], |row| row.get(0))
        .map_err(|error| crate::open::sqlite_error(error, file))?;
    if id == APPLICATION_ID { Ok(()) } else { Err(foreign(file)) }
}

fn foreign(file: &str) -> Error {
    Error::environment(format!("{file} is a database of another program"))
        .why("it has tables that Millstream did not make")
        .hint("move it away, or choose another workspace folder (`path:` of the target in profiles.yml)")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_first_version_keeps_its_runs() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(STEPS[0]).unwrap();
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection.execute("insert into runs values ('a', 'build', '{}', 1, 2, 'success', 7, null)", []).unwrap();
        migrate(&mut connection, "state.db").unwrap();
        let told: (String, i64) =
            connection.query_row("select cause, attempt from runs", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(told, ("cli".to_owned(), 1));
        assert_eq!(version(&connection).unwrap(), SCHEMA_VERSION);
    }

    #[test]
    fn a_file_of_the_second_version_keeps_its_schedules() {
        let mut connection = Connection::open_in_memory().unwrap();
        for step in &STEPS[..2] {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", 2).unwrap();
        connection.execute("insert into schedules values ('nightly', 1, 7)", []).unwrap();
        migrate(&mut connection, "state.db").unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let told: (i64, Option<String>) =
            connection.query_row("select handled_us, pattern from schedules", [], read).unwrap();
        assert_eq!(told, (7, None));
    }
}
