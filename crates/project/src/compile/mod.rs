//! Rendering of a node's text into the SQL that the warehouse runs.

mod inline;
mod materialization;
mod reading;
mod resolver;
mod unit_test;

use std::sync::Arc;

use millstream_core::{Error, Place, Result};
use millstream_jinja::{Adapter, MacroCall, Overrides, RenderContext, Template, TestCall, TextMap, Varies};
use serde_json::{Map, Value};

use crate::limits::EPHEMERAL_DEPTH_MAX;
use crate::load::flags;
use crate::manifest::{Hook, Node, ResourceType};
use crate::names::did_you_mean;
use crate::project::Project;
use resolver::NodeResolver;

pub use materialization::Materialization;
pub(crate) use materialization::{choose as choose_materialization, run as run_materialization};
pub use reading::{Deferred, Reading, Window};
pub use unit_test::GivenRows;
pub(crate) use unit_test::compile as compile_unit_test;

/// The batch of a microbatch model that is being built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// `20240101`, or with the hour `20240101T05`.
    pub id: String,
    /// Its time.
    pub window: Window,
    /// Whether the table is there already: what `is_incremental()` says.
    pub is_incremental: bool,
}

/// How to compile.
#[derive(Clone)]
pub struct CompileOptions {
    /// Answers what templates ask about the warehouse (`is_incremental()`, `adapter.get_relation`, `run_query`, …).
    pub adapter: Arc<dyn Adapter>,
    /// `--full-refresh`: makes `is_incremental()` false, unless the node's `full_refresh` config says otherwise.
    pub full_refresh: bool,
    /// `flags.WHICH`: name of the command that runs, for example `build`.
    pub command: String,
    /// Extra names for the template: `results`, `schemas`, `database_schemas` in `on-run-end` hooks.
    pub context: Map<String, Value>,
    /// What `ref()` and `source()` read.
    pub reading: Reading,
    /// Microbatch models: the batch, as `model.batch` shows it.
    pub batch: Option<Batch>,
    /// What stands for macros, variables and the environment: set by unit tests.
    pub overrides: Overrides,
    /// `selected_resources`: unique ids of what the command works on.
    pub selected: Arc<[String]>,
    /// Set by renderings that look at something that may be another next time.
    pub varies: Varies,
}

impl CompileOptions {
    /// For this command against this warehouse.
    pub fn new(adapter: Arc<dyn Adapter>, command: impl Into<String>) -> Self {
        Self {
            adapter,
            full_refresh: false,
            command: command.into(),
            context: Map::new(),
            reading: Reading::default(),
            batch: None,
            overrides: Overrides::default(),
            selected: Arc::default(),
            varies: Varies::default(),
        }
    }
}

/// An ephemeral model that was inlined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cte {
    /// Unique id of the ephemeral model.
    pub unique_id: String,
    /// ` __dbt__cte__<name> as (…)`.
    pub sql: String,
}

/// A node whose text is rendered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompiledNode {
    /// The SQL to run, ephemeral models inlined as CTEs. For tests: a query whose rows are the failures (before
    /// `limit`, `fail_calc`, `warn_if` and `error_if`, which the runner applies).
    pub sql: String,
    /// The inlined models, in the order in which they stand in the SQL.
    pub ctes: Vec<Cte>,
    /// Whether every rendering by this process gives the same: nothing was asked of the clock or the warehouse.
    pub is_steady: bool,
}

/// A text that is rendered, and where its parts come from (nothing, when nobody asked).
#[derive(Debug, Default)]
struct Rendered {
    sql: String,
    map: TextMap,
}

impl Rendered {
    fn trimmed(self) -> Self {
        let start = self.sql.len() - self.sql.trim_start().len();
        let sql = self.sql.trim().to_owned();
        Self { map: self.map.slice(start..start + sql.len()), sql }
    }
}

/// How the texts of a node and of the ephemeral models in it are rendered.
#[derive(Clone, Copy)]
struct Rendering<'a> {
    project: &'a Project,
    options: &'a CompileOptions,
    mapped: bool,
}

pub(crate) fn compile(project: &Project, unique_id: &str, options: &CompileOptions) -> Result<CompiledNode> {
    // Of its own, for this node and the ephemeral models in it.
    let options = &CompileOptions { varies: Varies::default(), ..options.clone() };
    let (compiled, _) = compile_node(Rendering { project, options, mapped: false }, unique_id)?;
    Ok(CompiledNode { is_steady: !options.varies.get(), ..compiled })
}

pub(crate) fn compile_mapped(
    project: &Project,
    unique_id: &str,
    options: &CompileOptions,
) -> Result<(CompiledNode, TextMap)> {
    compile_node(Rendering { project, options, mapped: true }, unique_id)
}

fn compile_node(rendering: Rendering<'_>, unique_id: &str) -> Result<(CompiledNode, TextMap)> {
    let node = find(rendering.project, unique_id)?;
    if node.resource_type == ResourceType::Seed {
        return Ok((CompiledNode::default(), TextMap::default()));
    }
    let mut ctes = Vec::new();
    let query = render_node(rendering, node, &mut ctes, 0)?;
    Ok(with_ctes(query, ctes))
}

fn with_ctes(query: Rendered, ctes: Vec<(Cte, TextMap)>) -> (CompiledNode, TextMap) {
    let Rendered { sql, map } = inline::prepend(query, &ctes);
    (CompiledNode { sql, ctes: ctes.into_iter().map(|(cte, _)| cte).collect(), is_steady: false }, map)
}

/// Renders a hook of a node, now: a hook may ask the warehouse what the node or an earlier hook did.
pub(crate) fn compile_hook(
    project: &Project,
    unique_id: &str,
    hook: &Hook,
    options: &CompileOptions,
) -> Result<String> {
    let node = find(project, unique_id)?;
    let resolver = NodeResolver::new(project, &node.package_name, Some(node), options);
    let context = context_of(node, resolver, options);
    let file = node.file();
    let line = node.place.line.unwrap_or(1);
    let template = Template { package: &node.package_name, path: &file, text: &hook.sql, line };
    Ok(project.environment.render(&template, &context)?.trim().to_owned())
}

pub(crate) fn compile_inline(project: &Project, sql: &str, options: &CompileOptions) -> Result<CompiledNode> {
    let resolver = NodeResolver::new(project, &project.config.name, None, options);
    let node = serde_json::json!({
        "name": "inline_query",
        "resource_type": "sql_operation",
        "package_name": project.config.name,
        "unique_id": format!("sql_operation.{}.inline_query", project.config.name),
        "schema": project.target.schema,
        "database": project.target.database,
        "alias": "inline_query",
        "config": {"materialized": "view", "enabled": true},
    });
    let mut context = RenderContext::new(node, resolver.clone());
    prepare(&mut context, options, None);
    let text = sql.trim();
    let template = Template { package: &project.config.name, path: "the query", text, line: 1 };
    let sql = project.environment.render(&template, &context)?;
    let mut ctes = Vec::new();
    let rendering = Rendering { project, options, mapped: false };
    add_ctes(rendering, &resolver.ephemerals(), &mut ctes, 0)?;
    Ok(with_ctes(Rendered { sql, map: TextMap::default() }, ctes).0)
}

pub(crate) fn run_macro(
    project: &Project,
    name: &str,
    arguments: &Map<String, Value>,
    options: &CompileOptions,
) -> Result<Value> {
    let resolver = NodeResolver::new(project, &project.config.name, None, options);
    let mut context = RenderContext::new(Value::Object(Map::new()), resolver);
    prepare(&mut context, options, None);
    let place = Place::file("the command line");
    let call = MacroCall { package: &project.config.name, name, positional: &[], named: arguments, place: &place };
    project.environment.call_macro(&call, &context)
}

fn find<'p>(project: &'p Project, unique_id: &str) -> Result<&'p Node> {
    project.manifest.nodes.get(unique_id).ok_or_else(|| {
        let known = project.manifest.nodes.keys().map(String::as_str);
        Error::usage(format!("'{unique_id}' is not a node of the project")).hint(did_you_mean(
            unique_id,
            known,
            "list nodes with 'millstream ls'",
        ))
    })
}

/// Renders a node and, into `ctes`, the ephemeral models that it reads, those that are read first in front.
fn render_node(
    rendering: Rendering<'_>,
    node: &Node,
    ctes: &mut Vec<(Cte, TextMap)>,
    depth: usize,
) -> Result<Rendered> {
    let Rendering { project, options, mapped } = rendering;
    if depth > EPHEMERAL_DEPTH_MAX {
        return Err(Error::user(format!("ephemeral models are nested more than {EPHEMERAL_DEPTH_MAX} deep"))
            .at(node.place.clone())
            .hint("make one of them a view"));
    }
    if node.is_python() {
        return Err(Error::user("Python models do not run here")
            .at(node.place.clone())
            .hint(format!("write the model in SQL, or leave it and what reads it out: --exclude '{}+'", node.name)));
    }
    let resolver = NodeResolver::new(project, &node.package_name, Some(node), options);
    let mut context = context_of(node, resolver.clone(), options);
    if options.reading.is_interval && !node.is_microbatch() {
        // Of the text alone: hooks and materializations find the table as it is.
        context.is_incremental = Some(false);
    }
    let file = node.file();
    let unmapped = |sql| Rendered { sql, map: TextMap::default() };
    let rendered = match &node.test_metadata {
        Some(metadata) => {
            let name = match &metadata.namespace {
                Some(namespace) => format!("{namespace}.{}", metadata.name),
                None => metadata.name.clone(),
            };
            let test =
                TestCall { package: &node.package_name, name: &name, arguments: &metadata.kwargs, place: &node.place };
            unmapped(project.environment.render_test(&test, &context)?)
        }
        None => {
            let template =
                Template { package: &node.package_name, path: &file, text: &node.raw_code, line: node.raw_code_line };
            if mapped {
                let (sql, map) = project.environment.render_mapped(&template, &context)?;
                Rendered { sql, map }
            } else {
                unmapped(project.environment.render(&template, &context)?)
            }
        }
    };
    add_ctes(rendering, &resolver.ephemerals(), ctes, depth)?;
    Ok(rendered.trimmed())
}

fn add_ctes(
    rendering: Rendering<'_>,
    ephemerals: &[String],
    ctes: &mut Vec<(Cte, TextMap)>,
    depth: usize,
) -> Result<()> {
    for unique_id in ephemerals {
        if ctes.iter().any(|(cte, _)| cte.unique_id == *unique_id) {
            continue;
        }
        let model = find(rendering.project, unique_id)?;
        let rendered = render_node(rendering, model, ctes, depth + 1)?;
        ctes.push(inline::cte(model, &rendered));
    }
    Ok(())
}

fn context_of(node: &Node, resolver: Arc<NodeResolver>, options: &CompileOptions) -> RenderContext {
    let mut shown = crate::manifest::json::node(node);
    // Ephemeral models in the batch's query are no batches themselves.
    let batch = options.batch.as_ref().filter(|_| node.is_microbatch());
    if let Some(batch) = batch {
        show_batch(&mut shown, batch);
    }
    let mut context = RenderContext::new(shown, resolver);
    if !matches!(node.resource_type, ResourceType::Analysis | ResourceType::Operation) {
        context.this = Some(node.naming.relation(node.database.as_deref(), &node.schema, &node.alias));
    }
    prepare(&mut context, options, node.config.full_refresh);
    if let Some(batch) = batch {
        context.is_incremental = Some(batch.is_incremental);
    }
    context
}

/// `model.batch`, and the settings by which older projects know the batch.
fn show_batch(node: &mut Value, batch: &Batch) {
    let Some(node) = node.as_object_mut() else { return };
    let text = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S%:z").to_string();
    let (start, end) = (text(batch.window.start), text(batch.window.end));
    if let Some(config) = node.get_mut("config").and_then(Value::as_object_mut) {
        config.insert("__dbt_internal_microbatch_event_time_start".into(), start.clone().into());
        config.insert("__dbt_internal_microbatch_event_time_end".into(), end.clone().into());
    }
    let shown = serde_json::json!({"id": batch.id, "event_time_start": start, "event_time_end": end});
    node.insert("batch".into(), shown);
}

/// What the caller gives: the warehouse, flags, and whether everything is rebuilt.
fn prepare(context: &mut RenderContext, options: &CompileOptions, own_full_refresh: Option<bool>) {
    context.adapter = options.adapter.clone();
    context.execute = true;
    // A node's own setting wins over the command line's, as with dbt.
    if own_full_refresh.unwrap_or(options.full_refresh) {
        context.is_incremental = Some(false);
    }
    let mut flags = flags(options.full_refresh, &options.command);
    flags.insert("EMPTY".into(), options.reading.is_empty.into());
    context.extra.insert("flags".into(), Value::Object(flags));
    context.overrides = options.overrides.clone();
    context.selected = Arc::clone(&options.selected);
    context.varies = options.varies.clone();
    context.extra.extend(options.context.clone());
}
