//! `ref()` and `source()` of one rendering.

use std::sync::{Arc, Mutex};

use millstream_core::{Error, Result};
use millstream_jinja::{Relation, RelationKind, Resolver};

use super::inline::cte_name;
use crate::manifest::{Manifest, Node, RefArgs};
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
}

impl NodeResolver {
    pub(super) fn new(project: &Project, package: &str, node: Option<&Node>) -> Arc<Self> {
        Arc::new(Self {
            manifest: project.manifest.clone(),
            lookup: project.lookup.clone(),
            package: package.to_owned(),
            node: node.map(|node| (node.unique_id.clone(), node.depends_on.nodes.clone())),
            ephemerals: Mutex::default(),
        })
    }

    /// Ephemeral models that were read so far, in the order of first use.
    pub(super) fn ephemerals(&self) -> Vec<String> {
        self.ephemerals.lock().map(|found| found.clone()).unwrap_or_default()
    }

    /// A name that appears only while running was not seen when the order of nodes was made.
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
        if node.is_ephemeral() {
            if let Ok(mut found) = self.ephemerals.lock()
                && !found.contains(&unique_id)
            {
                found.push(unique_id.clone());
            }
            return Ok(Relation::cte(cte_name(node)));
        }
        let kind = match node.config.materialized.as_str() {
            "view" => RelationKind::View,
            _ => RelationKind::Table,
        };
        Ok(node.naming.relation(node.database.as_deref(), &node.schema, &node.alias).with_kind(kind))
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
        self.check_known(&unique_id, &format!("source('{source}', '{table}')"))?;
        match self.manifest.sources.get(&unique_id) {
            Some(found) => Ok(found.naming.relation(found.database.as_deref(), &found.schema, &found.identifier)),
            None => Err(Error::ours(format!("'{unique_id}' is known by name and not in the manifest"))),
        }
    }
}
