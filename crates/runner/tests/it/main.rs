//! Literate tests: each Markdown file in `tests/projects` is a dbt project with what must come of it, run against the
//! embedded warehouse in a folder of its own.
//!
//! A fenced block whose info string has a path is a file of the project (written anew where it stands again later).
//! The others, in the order in which they stand:
//! - `run`: a command after `$`, then each node's result and the last line.
//!   `check` tells problems and nodes that cannot be judged; every other command is checked before as well, and no
//!   node that is found wrong may succeed.
//! - `query`: SQL, a line of dashes, then the rows.
//! - `message NAME`: lines that the message of that node of the last run must have.
//! - `error`: the error that the last command ended with.
//! - `compiled PATH`: the file below `target/compiled`, white space at line ends apart.
//! - `events`: the notes and warnings of the last run.
//! - `clock`: the time of the following commands; without it each command is an hour after the one before.
//!
//! `BLESS=1` writes what came out into the files: read the difference before it is committed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod backfill;
mod behaviour;
mod literate;
mod live;
mod markdown;
mod properties;
mod scene;
mod schedules;
mod verify;
mod world;

macro_rules! projects {
    ($($name:ident),+ $(,)?) => {
        const LISTED: &[&str] = &[$(stringify!($name)),+];
        $(
            #[test]
            fn $name() {
                literate::check(stringify!($name));
            }
        )+
    };
}

projects!(
    materializations,
    incremental,
    merge_columns,
    schema_changes,
    late_rows,
    seeds,
    snapshot_timestamp,
    snapshot_check,
    snapshot_deletes,
    snapshot_names,
    gating,
    gates_of_several,
    test_options,
    store_failures,
    selection,
    hooks,
    statements,
    custom_materializations,
    overridden_macros,
    adapter_methods,
    operations,
    contracts,
    introspection,
    errors,
    sources,
    dbt_utils_macros,
    dbt_date,
    dbt_expectations,
    check_errors,
    check_places,
    check_unknown,
    check_never_run,
    check_tables,
    check_contracts,
    check_snowflake,
    snowflake_incremental,
    snowflake_snapshots,
    snowflake_statements,
    snowflake_unit_tests,
    unit_tests,
    unit_test_overrides,
    microbatch,
    insert_overwrite,
    incremental_predicates,
    empty_and_sample,
    snapshot_backfill,
    python_models,
);

#[test]
fn every_project_file_is_listed() {
    let folder = std::fs::read_dir(literate::folder()).unwrap();
    let mut found: Vec<String> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut listed: Vec<String> = LISTED.iter().map(|name| (*name).to_owned()).collect();
    found.sort();
    listed.sort();
    assert_eq!(found, listed);
}
