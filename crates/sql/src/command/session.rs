//! Statements about the session, transactions, rights and upkeep: most change nothing here.

use millstream_core::{Error, Result};
use sqlparser::ast::{Set, Statement, Use};

use super::create::NO_INDEXES;
use super::{Command, refused};

/// Settings of a session that change no result, in lower case.
const HARMLESS: &[&str] = &[
    "query_tag",
    "statement_timeout_in_seconds",
    "statement_queued_timeout_in_seconds",
    "lock_timeout",
    "statement_timeout",
    "idle_in_transaction_session_timeout",
    "application_name",
    "use_cached_result",
    "abort_detached_query",
    "client_session_keep_alive",
    "work_mem",
    "maintenance_work_mem",
    "threads",
    "memory_limit",
    "preserve_insertion_order",
    "enable_progress_bar",
];

/// What is asked for, or `None` when the statement is of another kind.
pub(super) fn session(statement: &Statement) -> Option<Result<Command>> {
    let nothing = |verb, note: Option<&str>| Some(Ok(Command::Nothing { verb, note: note.map(str::to_owned) }));
    match statement {
        Statement::StartTransaction { statements, exception, .. } => {
            if !statements.is_empty() || exception.is_some() {
                return Some(Err(refused("begin", "a block of statements")));
            }
            nothing("BEGIN", None)
        }
        Statement::Commit { .. } => nothing("COMMIT", None),
        Statement::Rollback { savepoint: None, .. } => Some(Ok(Command::Rollback)),
        Statement::Grant(_) => nothing("GRANT", Some(NO_RIGHTS)),
        Statement::Revoke(_) => nothing("REVOKE", Some(NO_RIGHTS)),
        Statement::Comment { .. } => {
            nothing("COMMENT", Some("comments are not kept in the warehouse; descriptions are in the manifest"))
        }
        Statement::Analyze(_) => nothing("ANALYZE", None),
        Statement::Vacuum(_) => nothing("VACUUM", Some("past versions are kept: they can be queried")),
        Statement::CreateIndex(index) if index.unique => Some(Err(refused("create index", "unique"))),
        Statement::CreateIndex(_) => nothing("CREATE INDEX", Some(NO_INDEXES)),
        Statement::Use(of) => Some(match of {
            Use::Warehouse(_) | Use::Role(_) | Use::SecondaryRoles(_) => {
                Ok(Command::Nothing { verb: "USE", note: Some("there is one warehouse and there are no roles".into()) })
            }
            _ => Err(Error::user("'use' of a schema or database cannot be carried out")
                .why("names without a schema would mean something else from one statement to the next")
                .hint("write the schema in front of the names, or set it in the profile's target")),
        }),
        Statement::AlterSession { session_params, .. } => {
            let names = session_params.options.iter().map(|option| option.option_name.to_lowercase());
            Some(settings("ALTER SESSION", names))
        }
        Statement::Set(set) => Some(match set {
            Set::SingleAssignment { variable, .. } => {
                settings("SET", std::iter::once(variable.to_string().to_lowercase()))
            }
            Set::SetRole { .. } | Set::SetNames { .. } | Set::SetNamesDefault {} | Set::SetTransaction { .. } => {
                Ok(Command::Nothing { verb: "SET", note: None })
            }
            other => Err(setting(&other.to_string())),
        }),
        _ => None,
    }
}

const NO_RIGHTS: &str = "the embedded warehouse knows no rights: who may read its folder may read its tables";

fn settings(verb: &'static str, names: impl Iterator<Item = String>) -> Result<Command> {
    for name in names {
        if !HARMLESS.contains(&name.as_str()) {
            return Err(setting(&name));
        }
    }
    Ok(Command::Nothing { verb, note: None })
}

fn setting(name: &str) -> Error {
    Error::user(format!("the setting '{name}' cannot be changed in the embedded warehouse"))
        .why("it could change what queries mean, so it is not passed over in silence")
        .hint("take the statement out, or guard it with {% if target.type == … %}")
}
