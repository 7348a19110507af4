//! `ref()` and `source()` of one rendering.

use std::sync::{Arc, Mutex};

use millstream_core::{Error, Result};
use millstream_jinja::{Adapter, Relation, RelationKind, Resolver};

use super::inline::cte_name;
use super::unit_test::not_given;
use super::{CompileOptions, Reading, Window};
use crate::manifest::{Manifest, Node, RefArgs, ResourceType};
use crate::project::Project;
use crate::resolve::{Found, Lookup};

/// Resolves the names of one node, and notes which ephemeral models it reads.
pub(super) struct NodeResolver {
    manifest: Arc<Manifest>,
    lookup: Arc<Lookup>,
    package: String,
    /// What the node may read; `None` for texts that are no nodes.
    node: Option<(String, Vec<String>)>,
    ephemerals: Mutex<Vec<String>>,
    reading: Reading,
    adapter: Arc<dyn Adapter>,
}

impl NodeResolver {
    pub(super) fn new(project: &Project, package: &str, node: Option<&Node>, options: &CompileOptions) -> Arc<Self> {
        Arc::new(Self {
            manifest: project.manifest.clone(),
            lookup: project.lookup.clone(),
            package: package.to_owned(),
            node: node.map(|node| (node.unique_id.clone(), node.depends_on.nodes.clone())),
            ephemerals: Mutex::default(),
            reading: Reading { window: window(node, options), ..options.reading.clone() },
            adapter: Arc::clone(&options.adapter),
        })
    }

    /// Where another run built the node, if that is what is to be read: when this run does not build it and the other
    /// one is favoured, or when it is not there in this target (dbt's rule).
    fn deferred(&self, unique_id: &str, own: &Relation) -> Result<Option<Relation>> {
        let deferred = &self.reading.deferred;
        let Some(other) = deferred.relations.get(unique_id) else { return Ok(None) };
        if deferred.is_favored && !deferred.selected.contains(unique_id) {
            return Ok(Some(other.clone()));
        }
        let (Some(schema), Some(identifier)) = (&own.schema, &own.identifier) else { return Ok(None) };
        let is_there = self.adapter.get_relation(own.database.as_deref(), schema, identifier)?.is_some();
        Ok((!is_there).then(|| other.clone()))
    }

    /// Ephemeral models that were read so far, in the order of first use.
    pub(super) fn ephemerals(&self) -> Vec<String> {
        self.ephemerals.lock().map(|found| found.clone()).unwrap_or_default()
    }

    /// A node that is named only while running was not seen when the order of nodes was made. Sources have no place in
    /// that order, and packages ask by `source()` which tables are there: as for dbt, that needs no declaration.
    fn check_known(&self, unique_id: &str, call: &str) -> Result<()> {
        match &self.node {
            Some((node, known)) if node != unique_id && !known.iter().any(|known| known == unique_id) => {
                Err(Error::user(format!("'{node}' reads {call}, which was not seen when the project was parsed"))
                    .hint(format!("add a comment to the model: -- depends_on: {{{{ {call} }}}}")))
            }
            _ => Ok(()),
        }
    }
}

/// The time of which the node reads rows: a batch, a sample, or what they share. Tests read everything, and so do
/// ephemeral models that a batch reads.
fn window(node: Option<&Node>, options: &CompileOptions) -> Option<Window> {
    let node = node.filter(|node| matches!(node.resource_type, ResourceType::Model | ResourceType::Snapshot))?;
    let batch = options.batch.as_ref().filter(|_| node.is_microbatch()).map(|batch| batch.window);
    match (batch, options.reading.window) {
        (Some(batch), Some(sample)) => {
            let start = batch.start.max(sample.start);
            Some(Window { start, end: batch.end.min(sample.end).max(start) })
        }
        (batch, sample) => batch.or(sample),
    }
}

impl Resolver for NodeResolver {
    fn resolve_ref(&self, package: Option<&str>, name: &str, version: Option<&str>) -> Result<Relation> {
        let args =
            RefArgs { name: name.to_owned(), package: package.map(str::to_owned), version: version.map(str::to_owned) };
        let call = format!("ref('{name}')");
        let unique_id = match self.lookup.find_ref(&self.package, &args) {
            Found::Element(unique_id) => unique_id,
            Found::Disabled(unique_id) => {
                return Err(Error::user(format!("'{unique_id}' is disabled")).hint("set 'enabled: true' on it"));
            }
            Found::Nothing(hint) => {
                return Err(Error::user(format!("there is no model, seed or snapshot '{name}'")).hint(hint));
            }
        };
        self.check_known(&unique_id, &call)?;
        let Some(node) = self.manifest.nodes.get(&unique_id) else {
            return Err(Error::ours(format!("'{unique_id}' is known by name and not in the manifest")));
        };
        if let Some(instead) = self.reading.instead.get(&unique_id) {
            return Ok(instead.clone());
        }
        if node.is_ephemeral() {
            if let Ok(mut found) = self.ephemerals.lock()
                && !found.contains(&unique_id)
            {
                found.push(unique_id.clone());
            }
            let cte = Relation::cte(cte_name(node));
            return Ok(self.reading.limited(cte, node.config.event_time.as_deref()));
        }
        if self.reading.is_closed {
            return Err(not_given(&unique_id, &call));
        }
        let kind = match node.config.materialized.as_str() {
            "view" => RelationKind::View,
            _ => RelationKind::Table,
        };
        let own = node.naming.relation(node.database.as_deref(), &node.schema, &node.alias).with_kind(kind);
        let read = self.deferred(&unique_id, &own)?.unwrap_or(own);
        Ok(self.reading.limited(read, node.config.event_time.as_deref()))
    }

    fn resolve_source(&self, source: &str, table: &str) -> Result<Relation> {
        let unique_id = match self.lookup.find_source(&self.package, source, table) {
            Found::Element(unique_id) => unique_id,
            Found::Disabled(unique_id) => {
                return Err(Error::user(format!("'{unique_id}' is disabled")).hint("set 'enabled: true' on it"));
            }
            Found::Nothing(hint) => {
                return Err(Error::user(format!("there is no source table '{source}.{table}'")).hint(hint));
            }
        };
        if let Some(instead) = self.reading.instead.get(&unique_id) {
            return Ok(instead.clone());
        }
        if self.reading.is_closed {
            return Err(not_given(&unique_id, &format!("source('{source}', '{table}')")));
        }
        match self.manifest.sources.get(&unique_id) {
            Some(found) => {
                let own = found.naming.relation(found.database.as_deref(), &found.schema, &found.identifier);
                Ok(self.reading.limited(own, found.event_time.as_deref()))
            }
            None => Err(Error::ours(format!("'{unique_id}' is known by name and not in the manifest"))),
        }
    }
}
