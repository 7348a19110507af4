//! One node of a check: render, plan, compare with what it promises, and note the columns that it will have.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use millstream_core::warehouse::{Checked, Expectations, Expected, QueryOptions, Relation, RelationKind};
use millstream_core::{Diagnostic, Error, Kind, Result, TableName, Warehouse};
use millstream_ingest::Contract;
use millstream_jinja::TextMap;
use millstream_project::{CompileOptions, Node, Project, ResourceType};
use tokio::runtime::Handle;

use super::adapter::CheckAdapter;
use super::cache::{self, Cache};
use super::expected::{Known, Seen};
use super::hooks::Hooks;
use super::place::{Origin, diagnostic, message_of};
use super::{CheckOptions, CheckState, NodeCheck, columns, contract, inlined};
use crate::event::EventGate;
use crate::execute::session::Session;
use crate::ingest::declaration;
use crate::raw_tables::gained;
use crate::{Request, Runner, SilentEvents, Verb, materialize};

/// Materializations whose relation has the columns of the query.
const KNOWN_MATERIALIZATIONS: [&str; 6] =
    ["view", "table", "incremental", "ephemeral", "dynamic_table", "materialized_view"];

/// One check at work.
pub(super) struct Check {
    project: Arc<Project>,
    warehouse: Arc<dyn Warehouse>,
    runtime: Handle,
    query_options: QueryOptions,
    compile_options: CompileOptions,
    options: CheckOptions,
    full_refresh: bool,
    /// Nodes that are checked, parents before children.
    order: Vec<String>,
    known: Arc<Known>,
    /// Ephemeral models that something of the request is built from.
    inlined: HashSet<String>,
    /// Names of all relations that the project builds or reads, selected or not.
    named: HashSet<String>,
    /// They may make relations that nobody else knows of.
    hooks: Hooks,
    states: Mutex<HashMap<String, CheckState>>,
    cache: Cache,
    /// Relations that exist, as far as they were asked for, with a hash of their columns.
    existing: Mutex<HashMap<TableName, Option<cache::Hash>>>,
}

/// What came of planning a node's query.
enum Planned {
    Columns(SchemaRef),
    Problems(Vec<Diagnostic>),
    Unknown(String),
}

impl Check {
    pub(super) async fn new(runner: &Runner, request: &Request, options: CheckOptions) -> Result<Self> {
        let project = Arc::clone(&runner.project);
        let events = Arc::new(EventGate::new(Arc::new(SilentEvents)));
        let session = Session::new(runner, request, "check", runner.clock.now(), 0, events);
        let manifest = &project.manifest;
        let is_checked = |id: &&String| {
            let node = manifest.node(id);
            request.selected.contains(*id) && node.is_some_and(|node| takes(request.verb, options, node))
        };
        let order: Vec<String> = project.order.iter().filter(is_checked).cloned().collect();
        let known = Arc::new(Known::default());
        for node in order.iter().filter_map(|id| manifest.node(id)).filter(|node| node.is_relational()) {
            known.set(node.table_name(), Expected::Unknown);
        }
        let relations = manifest.nodes.values().filter(|node| node.is_relational()).map(Node::table_name);
        let sources = manifest.sources.values().map(|source| source.table_name());
        let check = Self {
            warehouse: Arc::clone(&runner.warehouse),
            runtime: Handle::current(),
            query_options: session.query_options(&[]),
            compile_options: session.compile_options(&[], serde_json::Map::new()),
            options,
            full_refresh: request.full_refresh,
            named: relations.chain(sources).map(|name| name.to_string().to_lowercase()).collect(),
            hooks: Hooks::of(manifest),
            states: Mutex::default(),
            cache: Cache::open(&runner.target_dir, project.options.cache.as_ref().map(|cache| cache.program())),
            existing: Mutex::default(),
            inlined: inlined::of(manifest, &order),
            order,
            known,
            project,
        };
        check.expect_sources().await?;
        Ok(check)
    }

    /// Sources that nobody has loaded yet: those with a contract will have its columns, of others nothing is known. Those
    /// that were loaded will have what their contract has gained since.
    async fn expect_sources(&self) -> Result<()> {
        let manifest = &self.project.manifest;
        let mut read: Vec<&str> = self.order.iter().flat_map(|id| self.parents(id)).map(String::as_str).collect();
        read.sort_unstable();
        read.dedup();
        for source in read.into_iter().filter_map(|id| manifest.sources.get(id)) {
            let name = source.table_name();
            if self.known.get(&name).is_some() {
                continue;
            }
            let contract = source.meta.contains_key("millstream").then(|| Contract::parse(&declaration(source)));
            let contract = contract.and_then(|contract| Some(contract.ok()?.raw_schema()));
            if self.warehouse.relation(&name).await?.is_none() {
                let columns = contract.map(|schema| Expected::Columns(RelationKind::Table, schema));
                self.known.set(name, columns.unwrap_or(Expected::Unknown));
                continue;
            }
            let (Some(schema), Some(state)) = (contract, self.warehouse.table_state(&name).await?) else { continue };
            let new = gained(&state.schema, &schema);
            if !new.is_empty() {
                let all: Vec<FieldRef> = state.schema.fields().iter().cloned().chain(new).collect();
                self.known.set(name, Expected::Columns(RelationKind::Table, Arc::new(Schema::new(all))));
            }
        }
        Ok(())
    }

    pub(super) fn order(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }

    pub(super) fn parents(&self, id: &str) -> &[String] {
        self.project.manifest.node(id).map_or(&[], |node| node.depends_on.nodes.as_slice())
    }

    /// Remembers how a node stands, for those below it.
    pub(super) fn note(&self, done: &NodeCheck) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.insert(done.unique_id.clone(), done.state.clone());
    }

    /// Called once, after the last node.
    pub(super) fn finish(&self) {
        self.cache.finish();
    }

    /// Checks one node; all that it reads is done.
    pub(super) fn node(&self, id: &str) -> Result<NodeCheck> {
        let node = self.project.manifest.node(id);
        let node = node.ok_or_else(|| Error::ours(format!("{id} is checked but not in the project")))?;
        let (state, problems) = match self.blocked(node) {
            Some(reason) => (CheckState::Skipped(reason), Vec::new()),
            None => match self.judge(node) {
                Ok(Planned::Columns(_)) => (CheckState::Passed, Vec::new()),
                Ok(Planned::Problems(problems)) => match self.doubt(node, &problems) {
                    Some(reason) => (CheckState::Unknown(reason), Vec::new()),
                    None => (CheckState::Failed, problems),
                },
                Ok(Planned::Unknown(reason)) => (CheckState::Unknown(reason), Vec::new()),
                // What keeps us from judging is no mistake of the node's.
                Err(error) => (CheckState::Unknown(message_of(&error)), Vec::new()),
            },
        };
        Ok(NodeCheck {
            unique_id: node.unique_id.clone(),
            resource_type: node.resource_type.to_string(),
            name: node.name.clone(),
            path: node.file(),
            state,
            problems,
        })
    }

    /// Whether a parent is checked, and so built, with the nodes of the request.
    fn is_checked(&self, id: &str) -> bool {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// Why problems of a node are none of the request, or may be none.
    fn doubt(&self, node: &Node, problems: &[Diagnostic]) -> Option<String> {
        if node.is_ephemeral() && !self.inlined.contains(&node.unique_id) {
            return Some("it is no query by itself, and nothing that is built reads it".into());
        }
        self.hooks.doubt(node, problems, |id| self.is_checked(id))
    }

    /// Why a node cannot be checked: something that it reads.
    fn blocked(&self, node: &Node) -> Option<String> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        node.depends_on.nodes.iter().find_map(|parent| match states.get(parent)? {
            CheckState::Passed => None,
            CheckState::Failed => Some(format!("it reads {parent}, which has problems")),
            CheckState::Unknown(_) | CheckState::Skipped(_) => {
                Some(format!("it reads {parent}, whose columns are not known"))
            }
        })
    }

    fn judge(&self, node: &Node) -> Result<Planned> {
        if node.resource_type == ResourceType::Seed {
            return Ok(self.seed(node));
        }
        if let Some(reason) = self.not_checkable(node) {
            return Ok(Planned::Unknown(reason));
        }
        if let Some(problem) = self.made_by_nobody(node) {
            return Ok(Planned::Problems(vec![problem]));
        }
        let adapter = Arc::new(CheckAdapter {
            warehouse: Arc::clone(&self.warehouse),
            options: self.query_options.clone(),
            runtime: self.runtime.clone(),
            type_name: self.project.target.kind.clone(),
            naming: self.project.naming(),
            database: self.project.target.database.clone(),
            known: Arc::clone(&self.known),
            own: node.is_relational().then(|| node.table_name()),
            queries: self.options.queries,
            unsure: Mutex::default(),
        });
        let options = CompileOptions { adapter: Arc::clone(&adapter) as _, ..self.compile_options.clone() };
        let compiled = self.project.compile_mapped(&node.unique_id, &options);
        if let Some(reason) = adapter.unsure() {
            return Ok(Planned::Unknown(reason));
        }
        let (sql, map) = match compiled {
            Ok((compiled, map)) => (compiled.sql, map),
            Err(error) if matches!(error.kind(), Kind::User | Kind::Usage) => {
                let place = error.place().cloned().unwrap_or_else(|| node.place.clone());
                let code = if node.is_python() { "not-supported" } else { "jinja" };
                return Ok(Planned::Problems(vec![diagnostic(code, message_of(&error), place, error.fix())]));
            }
            Err(error) => return Err(error),
        };
        let origin = Origin { node, sql: &sql, map: &map };
        match node.resource_type {
            ResourceType::Test => self.test(&origin),
            ResourceType::Snapshot => self.snapshot(&origin),
            _ => self.model(&origin),
        }
    }

    /// Nodes of which planning tells nothing.
    fn not_checkable(&self, node: &Node) -> Option<String> {
        if node.config.sql_header.as_ref().is_some_and(|header| !header.trim().is_empty()) {
            return Some("it has a sql_header".into());
        }
        if node.resource_type != ResourceType::Model {
            return None;
        }
        let materialized = node.config.materialized.as_str();
        let is_own = self.project.materialization(node).is_some();
        is_own.then(|| format!("its materialization '{materialized}' is the project's own"))
    }

    /// A model whose materialization is neither built in nor in a macro file.
    fn made_by_nobody(&self, node: &Node) -> Option<Diagnostic> {
        let materialized = node.config.materialized.as_str();
        if node.resource_type != ResourceType::Model || KNOWN_MATERIALIZATIONS.contains(&materialized) {
            return None;
        }
        let error = materialize::unknown(node, materialized);
        Some(diagnostic("unknown-materialization", message_of(&error), node.place.clone(), error.fix()))
    }

    fn seed(&self, node: &Node) -> Planned {
        match materialize::seed_columns(&self.project.dir, node, self.query_options.dialect) {
            Ok(schema) => {
                self.known.set(node.table_name(), Expected::Columns(RelationKind::Table, Arc::clone(&schema)));
                Planned::Columns(schema)
            }
            Err(error) => {
                let place = error.place().cloned().unwrap_or_else(|| node.place.clone());
                Planned::Problems(vec![diagnostic("bad-seed", message_of(&error), place, error.fix())])
            }
        }
    }

    fn model(&self, origin: &Origin<'_>) -> Result<Planned> {
        let node = origin.node;
        let kind = match node.config.materialized.as_str() {
            "view" => Some(RelationKind::View),
            "table" | "incremental" | "dynamic_table" | "materialized_view" => Some(RelationKind::Table),
            _ => None,
        };
        let kind = kind.filter(|_| node.is_relational());
        let schema = match self.plan(origin, origin.sql, kind)? {
            Planned::Columns(schema) => schema,
            other => return Ok(other),
        };
        let problems = contract::problems(node, &schema, self.query_options.dialect);
        if !problems.is_empty() {
            return Ok(Planned::Problems(problems));
        }
        let Some(kind) = kind else { return Ok(Planned::Columns(schema)) };
        let existing = match node.config.materialized.as_str() {
            "incremental" => columns::goes_on(node, self.full_refresh, self.existing(&node.table_name())?),
            _ => None,
        };
        let built = match existing {
            Some(existing) => columns::of_incremental(node, &schema, &existing),
            None => schema,
        };
        self.known.set(node.table_name(), Expected::Columns(kind, Arc::clone(&built)));
        Ok(Planned::Columns(built))
    }

    /// The query alone first, so that its problems have their places; then what the snapshot makes of it.
    fn snapshot(&self, origin: &Origin<'_>) -> Result<Planned> {
        let node = origin.node;
        match self.plan(origin, origin.sql, None)? {
            Planned::Columns(_) => {}
            other => return Ok(other),
        }
        let whole = match materialize::snapshot_query(node, origin.sql, self.query_options.dialect) {
            Ok(whole) => whole,
            Err(error) => {
                let place = node.patch_place.clone().unwrap_or_else(|| node.place.clone());
                return Ok(Planned::Problems(vec![diagnostic("bad-config", message_of(&error), place, error.fix())]));
            }
        };
        let map = TextMap::default();
        let made = Origin { node, sql: &whole, map: &map };
        let schema = match self.plan(&made, &whole, Some(RelationKind::Table))? {
            Planned::Columns(schema) => schema,
            other => return Ok(other),
        };
        let schema = match self.existing(&node.table_name())? {
            Some(existing) => columns::with_new_columns(&existing.schema, &schema),
            None => schema,
        };
        self.known.set(node.table_name(), Expected::Columns(RelationKind::Table, Arc::clone(&schema)));
        Ok(Planned::Columns(schema))
    }

    fn test(&self, origin: &Origin<'_>) -> Result<Planned> {
        let planned = self.plan(origin, origin.sql, None)?;
        if !matches!(planned, Planned::Columns(_)) {
            return Ok(planned);
        }
        let Some(counted) = crate::test::counted_if_special(origin.node, origin.sql) else { return Ok(planned) };
        let map = TextMap::default();
        self.plan(&Origin { node: origin.node, sql: &counted, map: &map }, &counted, None)
    }

    fn existing(&self, name: &TableName) -> Result<Option<Relation>> {
        self.runtime.block_on(self.warehouse.relation(name))
    }

    fn plan(&self, origin: &Origin<'_>, sql: &str, built_as: Option<RelationKind>) -> Result<Planned> {
        let node = origin.node;
        let seen = Seen { known: &self.known, own: node.is_relational().then(|| node.table_name()) };
        let sql = materialize::strip(sql);
        let default_schema = self.query_options.default_schema.as_deref();
        let key = cache::key(sql, default_schema, &self.project.target.kind, built_as);
        if let Some(schema) = self.cache.get(&key, |name| self.columns_of(&seen, name)) {
            return Ok(Planned::Columns(schema));
        }
        let checked = self.runtime.block_on(self.warehouse.check(sql, built_as, &seen, &self.query_options))?;
        if let Some(schema) = &checked.schema {
            let reads = checked.reads.iter().map(|name| Some((name.clone(), self.columns_of(&seen, name)?)));
            if let Some(reads) = reads.collect::<Option<Vec<_>>>() {
                self.cache.put(key, reads, schema);
            }
        }
        Ok(self.verdict(origin, checked))
    }

    /// A hash of the columns that a relation will have or has.
    fn columns_of(&self, seen: &Seen<'_>, name: &TableName) -> Option<cache::Hash> {
        match seen.expected(name) {
            Some(Expected::Columns(_, schema)) => return Some(cache::columns(&schema)),
            Some(Expected::Unknown) => return None,
            None => {}
        }
        if let Some(known) = self.existing.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return *known;
        }
        let found = self.existing(name).ok().flatten().map(|found| cache::columns(&found.schema));
        self.existing.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), found);
        found
    }

    fn verdict(&self, origin: &Origin<'_>, checked: Checked) -> Planned {
        let is_analysis = origin.node.resource_type == ResourceType::Analysis;
        let mut problems: Vec<Diagnostic> = checked.problems.iter().map(|problem| origin.diagnostic(problem)).collect();
        let mut unsure = checked.unknown.first().map(|name| format!("the columns of {name} are not known"));
        unsure = unsure.or(checked.unsure);
        for (name, problem) in &checked.missing {
            if self.named.contains(&without_database(name)) {
                unsure.get_or_insert_with(|| format!("it reads {name}, which is not built yet and not selected"));
            } else if self.hooks.any {
                unsure.get_or_insert_with(|| format!("it reads {name}, which only a hook could make"));
            } else {
                problems.push(origin.diagnostic(problem));
            }
        }
        match (problems.is_empty(), unsure, checked.schema) {
            // An analysis is only rendered; it may be anything.
            (false, ..) if is_analysis && checked.problems.iter().any(|problem| problem.code == "bad-sql") => {
                Planned::Unknown("it is not one query".into())
            }
            (false, ..) => Planned::Problems(problems),
            (true, Some(reason), _) => Planned::Unknown(reason),
            (true, None, Some(schema)) => Planned::Columns(schema),
            (true, None, None) => Planned::Unknown("nothing is known of it".into()),
        }
    }
}

/// The schema and name of a relation, in lower case.
fn without_database(name: &str) -> String {
    let mut parts: Vec<&str> = name.rsplit('.').take(2).collect();
    parts.reverse();
    parts.join(".").to_lowercase()
}

/// Nodes that a request of this kind carries out, and those that are part of them.
fn takes(verb: Verb, options: CheckOptions, node: &Node) -> bool {
    match node.resource_type {
        ResourceType::Model => matches!(verb, Verb::Build | Verb::Run),
        ResourceType::Seed => matches!(verb, Verb::Build | Verb::Seed),
        ResourceType::Snapshot => matches!(verb, Verb::Build | Verb::Snapshot),
        ResourceType::Test => matches!(verb, Verb::Build | Verb::Test),
        ResourceType::Analysis => options.analyses,
        _ => false,
    }
}
