//! Hooks: of the whole run (`on-run-start`, `on-run-end`) and of single nodes.
//!
//! Guarantees: hooks run in the order in which the project declares them, before the first node and after the last;
//! a failing `on-run-start` hook keeps every node from running; `on-run-end` hooks run however the nodes ended, see
//! `results`, `schemas` and `database_schemas`, and stop at the first that fails. A hook may query and change the
//! warehouse, with several statements; each of them is one commit.
//!
//! Pre-hooks run before the node is staged, post-hooks after it is published.

use std::collections::BTreeSet;
use std::sync::Arc;

use millstream_core::{Error, Result};
use millstream_project::{Hook, Node, ResourceType};
use serde_json::{Map, Value, json};

use super::outcome::Outcome;
use super::session::{Compiled, Session};
use crate::artifacts::results_json;
use crate::{NodeResult, Status};

/// The hooks with this tag (`on-run-start`, `on-run-end`), in order.
pub(crate) fn of<'a>(session: &'a Session, tag: &str) -> Vec<&'a Node> {
    let nodes = session.project.manifest.nodes.values();
    let mut hooks: Vec<&Node> = nodes
        .filter(|node| node.resource_type == ResourceType::Operation && node.tags.iter().any(|own| own == tag))
        .collect();
    // Packages first, the project itself last, as in dbt.
    hooks.sort_by_key(|node| (node.package_dir.is_empty(), node.package_name.clone(), node.index));
    hooks
}

/// Runs hooks one after the other. After a failure the rest is skipped.
pub(crate) async fn run(
    session: &Arc<Session>,
    hooks: &[&Node],
    context: Map<String, Value>,
) -> Result<Vec<NodeResult>> {
    let mut results: Vec<NodeResult> = Vec::with_capacity(hooks.len());
    for hook in hooks {
        if results.last().is_some_and(|last| last.status != Status::Success) {
            results.push(Outcome::skip(session, hook, "because an earlier hook failed"));
            continue;
        }
        let slot = session.slot().await?;
        let mut outcome = Outcome::start(session, hook, &slot);
        let ran = session.cancel.race(run_one(session, hook, context.clone(), &mut outcome)).await;
        results.push(match ran {
            Ok(()) => outcome.end(session, Status::Success, None),
            Err(error) => outcome.fail(session, &error),
        });
    }
    Ok(results)
}

async fn run_one(
    session: &Arc<Session>,
    hook: &Node,
    context: Map<String, Value>,
    outcome: &mut Outcome,
) -> Result<()> {
    let node = session.compile_operation(&hook.unique_id, context).await?;
    let sql = node.sql.clone();
    outcome.compiled(session, &Compiled { node, path: None });
    run_sql(session, &sql).await.map_err(|error| error.context(format!("the hook {} failed", hook.name)))
}

/// Renders and runs the hooks of a node (`pre_hook`, `post_hook`) one after the other: each sees what was done before.
pub(super) async fn run_of_node(session: &Session, node: &Node, hooks: &[Hook]) -> Result<()> {
    for hook in hooks {
        let sql = session.compile_hook(node, hook).await?;
        run_sql(session, &sql).await?;
    }
    Ok(())
}

/// Verbs of statements that change a relation.
const CHANGES: &[&str] = &["insert", "update", "delete", "merge", "truncate", "alter", "drop", "replace", "rename"];

/// Whether the text of a post-hook shows that it changes the node's own relation. A macro that does so out of sight is
/// not seen: it runs, and the tests have run before it.
pub(crate) fn change_own(node: &Node) -> bool {
    node.config.post_hook.iter().any(|hook| {
        let text = hook.sql.to_lowercase();
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let own = ["this", &node.alias.to_lowercase(), &node.name.to_lowercase()].map(str::to_owned);
        own.iter().any(|name| words.contains(name.as_str())) && CHANGES.iter().any(|verb| words.contains(verb))
    })
}

/// Settings that packages ask of any node, tests too: one that it cannot have is none there and not undefined.
const ASKED_OF_ALL: [&str; 4] = ["full_refresh", "incremental_strategy", "on_schema_change", "unique_key"];

/// What `on-run-end` hooks see of the run.
pub(crate) fn end_context(session: &Session, results: &[NodeResult]) -> Map<String, Value> {
    let built = results.iter().filter_map(|result| session.project.manifest.node(&result.unique_id));
    let schemas: BTreeSet<&str> = built.filter(|node| node.is_relational()).map(|node| node.schema.as_str()).collect();
    let database = session.project.target.database.clone();
    let mut context = Map::new();
    // Packages that keep a record of runs read settings, columns and the SQL of each node here.
    let nodes = |result: &NodeResult| {
        let mut node = session.project.manifest.element_json(&result.unique_id).unwrap_or_else(
            || json!({"unique_id": result.unique_id, "name": result.name, "resource_type": result.resource_type}),
        );
        let Value::Object(fields) = &mut node else { return node };
        if let Some(sql) = &result.compiled_code {
            fields.insert("compiled_code".into(), sql.as_str().into());
        }
        if let Some(Value::Object(config)) = fields.get_mut("config") {
            for name in ASKED_OF_ALL {
                config.entry(name).or_insert(Value::Null);
            }
        }
        node
    };
    let results: Vec<Value> = results_json(&session.project.manifest, results)
        .into_iter()
        .zip(results)
        .map(|(mut value, result)| {
            if let Value::Object(fields) = &mut value {
                fields.insert("node".into(), nodes(result));
            }
            value
        })
        .collect();
    context.insert("results".into(), results.into());
    context.insert("database_schemas".into(), schemas.iter().map(|schema| json!([database, schema])).collect());
    context.insert("schemas".into(), schemas.into_iter().map(Value::from).collect());
    context
}

/// Carries out the statements of a hook.
async fn run_sql(session: &Session, sql: &str) -> Result<()> {
    // A hook that only calls a macro for its effect renders to nothing.
    if sql.trim().is_empty() {
        return Ok(());
    }
    session.execute(sql).await.map_err(|error| explain(sql, &error))
}

/// The place in the error is one in the hook's text, which is no file: the text itself is told instead.
fn explain(sql: &str, error: &Error) -> Error {
    let causes = error.causes().iter().fold(Error::new(error.kind(), error.what()), |told, cause| told.why(cause));
    let told = causes.why(format!("the hook is: {sql}"));
    match error.fix() {
        Some(fix) => told.hint(fix),
        None => told,
    }
}
