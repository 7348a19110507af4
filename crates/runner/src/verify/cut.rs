//! Which versions a model is recomputed from.
//!
//! A table that is refreshed by itself tells in its own commits which versions it has read: positions named
//! `refresh:<schema>.<table>`. Such a table is recomputed from these, and so is what it read, as it was then; a stored
//! table may be behind its inputs while data keeps coming. Without such positions the latest versions count, those of
//! the moment at which the verification began.

use std::collections::{BTreeMap, BTreeSet};

use millstream_core::warehouse::TableState;
use millstream_core::{Error, Result, TableName, Warehouse};
use millstream_project::{Node, Project};

use super::role::{Role, role};
use crate::is_refreshed;

/// What positions of refreshed tables start with.
const REFRESH: &str = "refresh:";

/// A model at a version: what one recomputation makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) id: String,
    /// The stored version whose positions say what was read; `None` when there are none.
    pub(super) at: Option<u64>,
}

/// One recomputation.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) key: Key,
    /// Numbers of the jobs whose tables it reads, directly or through views.
    pub(super) inputs: Vec<usize>,
    /// Views that it reads, each behind those that it reads itself.
    pub(super) views: Vec<String>,
    /// Versions of what is taken as it is stored.
    pub(super) pins: BTreeMap<TableName, u64>,
}

/// Finds the jobs of a verification.
pub(super) struct Cuts<'a> {
    pub(super) project: &'a Project,
    pub(super) warehouse: &'a dyn Warehouse,
    /// Every table that may be read, as it was at the beginning.
    pub(super) latest: BTreeMap<TableName, TableState>,
}

/// What a model reads, through views and ephemeral models.
#[derive(Debug, Default)]
struct Reads {
    tables: BTreeSet<String>,
    views: Vec<String>,
    stored: BTreeSet<TableName>,
}

impl<'a> Cuts<'a> {
    /// Looks at every table that the models can read.
    pub(super) async fn new(
        project: &'a Project,
        warehouse: &'a dyn Warehouse,
        models: &BTreeSet<String>,
    ) -> Result<Self> {
        let mut latest = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = models.iter().map(String::as_str).collect();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            if let Some(name) = table_name(project, id)
                && let Some(state) = warehouse.table_state(&name).await?
            {
                latest.insert(name, state);
            }
            open.extend(parents(project, id));
        }
        Ok(Self { project, warehouse, latest })
    }

    /// The jobs for these models, each behind those that it reads.
    pub(super) async fn jobs(&self, models: &BTreeSet<String>) -> Result<Vec<Job>> {
        let mut jobs: Vec<Job> = Vec::new();
        let mut numbers: BTreeMap<Key, usize> = BTreeMap::new();
        let mut open: Vec<(Key, Option<Vec<Key>>)> = Vec::new();
        for id in models {
            open.push((self.key(id, None).await?, None));
        }
        // Depth first without recursion: a job is made when those that it reads are.
        while let Some((key, inputs)) = open.pop() {
            if numbers.contains_key(&key) {
                continue;
            }
            let reads = self.reads(&key.id)?;
            let positions = self.positions(&key).await?;
            let Some(inputs) = inputs else {
                let mut inputs = Vec::with_capacity(reads.tables.len());
                for id in &reads.tables {
                    let name = node(self.project, id)?.table_name();
                    inputs.push(self.key(id, positions.get(&name).copied()).await?);
                }
                open.push((key, Some(inputs.clone())));
                open.extend(inputs.into_iter().map(|input| (input, None)));
                continue;
            };
            let pin = |name: &TableName| {
                let at = positions.get(name).copied().or_else(|| self.latest.get(name).map(|state| state.version));
                at.map(|at| (name.clone(), at))
            };
            let job = Job {
                inputs: inputs.iter().filter_map(|input| numbers.get(input).copied()).collect(),
                views: reads.views,
                pins: reads.stored.iter().filter_map(pin).collect(),
                key: key.clone(),
            };
            numbers.insert(key, jobs.len());
            jobs.push(job);
        }
        Ok(jobs)
    }

    /// The key of a model as it was in a version, or is now.
    async fn key(&self, id: &str, at: Option<u64>) -> Result<Key> {
        let name = node(self.project, id)?.table_name();
        let at = at.or_else(|| self.latest.get(&name).map(|state| state.version));
        let key = Key { id: id.to_owned(), at };
        let is_refreshed = !self.positions(&key).await?.is_empty();
        Ok(Key { at: key.at.filter(|_| is_refreshed), ..key })
    }

    /// What a refreshed table has read, by name; empty for others.
    async fn positions(&self, key: &Key) -> Result<BTreeMap<TableName, u64>> {
        let found = node(self.project, &key.id)?;
        // Of another materialization they are left over from the time when it was refreshed.
        let is_refreshed = is_refreshed(&found.config.materialized);
        let Some(at) = key.at.filter(|_| is_refreshed) else { return Ok(BTreeMap::new()) };
        let name = found.table_name();
        let found = match self.latest.get(&name) {
            Some(state) if state.version == at => Some(state.clone()),
            _ => self.warehouse.table_state_at(&name, at).await?,
        };
        let read = found.iter().flat_map(|state| &state.positions).filter_map(|(id, version)| {
            let name: TableName = id.strip_prefix(REFRESH)?.parse().ok()?;
            Some((name, u64::try_from(*version).ok()?))
        });
        Ok(read.collect())
    }

    fn reads(&self, id: &str) -> Result<Reads> {
        let mut reads = Reads::default();
        let mut seen = BTreeSet::new();
        let mut open: Vec<(&str, bool)> = parents(self.project, id).map(|parent| (parent, false)).collect();
        while let Some((id, is_done)) = open.pop() {
            if is_done {
                reads.views.push(id.to_owned());
                continue;
            }
            if !seen.insert(id) {
                continue;
            }
            let Some(found) = self.project.manifest.node(id) else {
                reads.stored.extend(table_name(self.project, id));
                continue;
            };
            match role(self.project, found) {
                Role::Table => {
                    reads.tables.insert(id.to_owned());
                    continue;
                }
                Role::Stored(_) => {
                    reads.stored.insert(found.table_name());
                    continue;
                }
                Role::View => open.push((id, true)),
                Role::Ephemeral => {}
            }
            open.extend(parents(self.project, id).map(|parent| (parent, false)));
        }
        Ok(reads)
    }
}

pub(super) fn node<'a>(project: &'a Project, id: &str) -> Result<&'a Node> {
    project.manifest.node(id).ok_or_else(|| Error::ours(format!("{id} is not a node of the project")))
}

/// What a node reads: nodes and sources.
fn parents<'a>(project: &'a Project, id: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    project.manifest.parent_map.get(id).into_iter().flatten().map(String::as_str)
}

/// The table of a source or of a node that may have one.
fn table_name(project: &Project, id: &str) -> Option<TableName> {
    let manifest = &project.manifest;
    if let Some(source) = manifest.sources.get(id) {
        return Some(source.table_name());
    }
    manifest.node(id).filter(|node| node.is_relational()).map(Node::table_name)
}
