//! Which models `up` keeps fresh, and what each of them reads.
//!
//! Kept fresh are dynamic tables, and what stands between a changing source and one of them (or what one of their
//! tests reads): tables, incremental models and snapshots. Views need nothing: they show what their inputs hold. A
//! node between that a schedule chooses and builds is left to that schedule; dynamic tables then follow its versions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use millstream_core::{Result, TableName};
use millstream_project::{Manifest, Node, Project, ResourceType, TestSeverity};

use super::lag::{self, Lag};
use crate::plan::readers_of_all;

/// What is kept fresh.
#[derive(Debug, Default)]
pub(crate) struct LiveGraph {
    /// In the order in which they are built.
    pub(crate) nodes: Vec<LiveNode>,
    /// Sources, tables, seeds and snapshots that live nodes read and that others change: unique id → table.
    pub(crate) inputs: BTreeMap<String, TableName>,
    /// Everything that must be there before the first refresh, in no order: what live nodes read, directly or not, and
    /// what their tests read.
    pub(crate) needed: BTreeSet<String>,
}

/// One model that is kept fresh.
#[derive(Debug)]
pub(crate) struct LiveNode {
    pub(crate) unique_id: String,
    /// As metrics have it.
    pub(crate) name: String,
    pub(crate) table: TableName,
    /// How old it may be; none for one that only others' refreshes refresh.
    pub(crate) lag: Option<Duration>,
    /// Physical relations that it reads, through views and ephemeral models.
    pub(crate) reads: BTreeSet<String>,
    /// Sources that it reads, directly or not.
    pub(crate) sources: BTreeSet<String>,
    /// Live nodes that must be refreshed with it: those that it reads, and those that its tests read.
    pub(crate) needs: BTreeSet<usize>,
    /// Of these, those that it reads: while one of them fails, it waits.
    pub(crate) inputs: BTreeSet<usize>,
    /// Tests that read an ephemeral model, and so gate no node, and that this node waits for, because it reads all that
    /// they read.
    pub(crate) standing: BTreeSet<String>,
}

#[cfg(test)]
impl LiveNode {
    /// A node by which tests try out what reads a relation; `lag_s` in seconds.
    pub(crate) fn reading(name: &str, lag_s: Option<u64>, reads: &str, needs: &[usize]) -> Self {
        Self {
            unique_id: name.into(),
            name: name.into(),
            table: TableName::new("main", name),
            lag: lag_s.map(Duration::from_secs),
            reads: [reads.to_owned()].into(),
            sources: BTreeSet::new(),
            needs: needs.iter().copied().collect(),
            inputs: needs.iter().copied().collect(),
            standing: BTreeSet::new(),
        }
    }
}

impl LiveGraph {
    /// The live nodes of a project; `scheduled` are nodes that are left to a schedule.
    ///
    /// # Errors
    /// A dynamic table declares a lag that is none.
    pub(crate) fn new(project: &Project, scheduled: &BTreeSet<String>) -> Result<Self> {
        let manifest = &project.manifest;
        let reads = physical_reads(project);
        let dynamic: BTreeSet<&str> = project
            .order
            .iter()
            .filter_map(|id| manifest.nodes.get(id))
            .filter(|node| is_dynamic(node))
            .map(|node| node.unique_id.as_str())
            .collect();
        let mut graph = Self { needed: needed(manifest, &dynamic), ..Self::default() };
        let mut changing: BTreeSet<&str> = manifest.sources.keys().map(String::as_str).collect();
        let mut place: BTreeMap<&str, usize> = BTreeMap::new();
        for id in &project.order {
            let Some(node) = manifest.nodes.get(id).filter(|node| is_physical(node)) else { continue };
            let inputs = reads.get(id.as_str()).cloned().unwrap_or_default();
            let is_between = graph.needed.contains(id)
                && node.resource_type != ResourceType::Seed
                && !scheduled.contains(id)
                && inputs.iter().any(|input| changing.contains(input.as_str()));
            if !dynamic.contains(id.as_str()) && !is_between {
                continue;
            }
            changing.insert(id);
            place.insert(id, graph.nodes.len());
            graph.nodes.push(LiveNode {
                unique_id: id.clone(),
                name: label(node),
                table: node.table_name(),
                lag: None,
                reads: inputs,
                sources: sources(manifest, id),
                needs: BTreeSet::new(),
                inputs: BTreeSet::new(),
                standing: BTreeSet::new(),
            });
        }
        graph.link(manifest, &place)?;
        Ok(graph)
    }

    /// Fills in what needs what, the lags, and the inputs from outside.
    fn link(&mut self, manifest: &Manifest, place: &BTreeMap<&str, usize>) -> Result<()> {
        let mut lags = vec![None; self.nodes.len()];
        for (number, live) in self.nodes.iter().enumerate() {
            if let Some(node) = manifest.nodes.get(&live.unique_id).filter(|node| is_dynamic(node))
                && let Lag::Within(span) = lag::of(node)?
            {
                lags[number] = Some(span);
            }
        }
        for (number, live) in self.nodes.iter_mut().enumerate() {
            let of = |id: &String| place.get(id.as_str()).copied();
            let tested = gates(manifest, &live.unique_id).flat_map(|test| &test.depends_on.nodes).filter_map(of);
            // What may be older is not kept as fresh for the sake of a test: that waits for it, see `refresh`.
            let is_older = |other: &usize| lags[*other].zip(lags[number]).is_some_and(|(other, own)| other > own);
            live.inputs = live.reads.iter().filter_map(of).filter(|other| *other != number).collect();
            let tested = tested.filter(|other| *other != number && !is_older(other));
            live.needs = live.inputs.iter().copied().chain(tested).collect();
        }
        // What has no lag of its own must be as fresh as what needs it; tests may need each other in circles.
        let mut has_changed = true;
        while has_changed {
            has_changed = false;
            for number in 0..self.nodes.len() {
                let Some(lag) = lags[number] else { continue };
                for needed in &self.nodes[number].needs {
                    let is_own = manifest.nodes.get(&self.nodes[*needed].unique_id).is_some_and(has_own_lag);
                    if !is_own && lags[*needed].is_none_or(|known| known > lag) {
                        lags[*needed] = Some(lag);
                        has_changed = true;
                    }
                }
            }
        }
        for (live, lag) in self.nodes.iter_mut().zip(lags) {
            live.lag = lag;
        }
        let is_ephemeral = |id: &String| manifest.nodes.get(id).is_some_and(Node::is_ephemeral);
        for id in place.keys() {
            for test in gates(manifest, id).filter(|test| test.depends_on.nodes.iter().any(is_ephemeral)) {
                for number in readers_of_all(manifest, test).into_iter().filter_map(|reader| place.get(reader)) {
                    self.nodes[*number].standing.insert(test.unique_id.clone());
                }
            }
        }
        let read: BTreeSet<&String> = self.nodes.iter().flat_map(|live| &live.reads).collect();
        for id in read {
            let of_source = manifest.sources.get(id).map(|source| source.table_name());
            if let Some(table) = of_source.or_else(|| manifest.nodes.get(id).map(Node::table_name)) {
                self.inputs.insert(id.clone(), table);
            }
        }
        Ok(())
    }

    /// Live nodes that read this source or node, directly or through others.
    pub(crate) fn downstream(&self, unique_id: &str) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = BTreeSet::new();
        // Nodes are in the order in which they are built, so that one pass is enough.
        for (number, live) in self.nodes.iter().enumerate() {
            let reads_found = found.iter().any(|other| live.reads.contains(&self.nodes[*other].unique_id));
            if live.reads.contains(unique_id) || reads_found {
                found.insert(number);
            }
        }
        found
    }

    /// Of some nodes those that are older than they could be when `due` are refreshed without them: they read one of these,
    /// or may be older than any of these. By unique id.
    pub(crate) fn older(&self, due: &BTreeSet<usize>, others: BTreeSet<usize>) -> BTreeSet<String> {
        let read: BTreeSet<usize> = due.iter().flat_map(|at| self.downstream(&self.nodes[*at].unique_id)).collect();
        let longest = due.iter().filter_map(|at| self.nodes[*at].lag).max();
        let is_older = |at: &usize| read.contains(at) || self.nodes[*at].lag.is_none_or(|lag| Some(lag) > longest);
        others.into_iter().filter(is_older).map(|at| self.nodes[at].unique_id.clone()).collect()
    }

    /// A node and all that must be refreshed with it.
    pub(crate) fn with_needs(&self, number: usize) -> BTreeSet<usize> {
        self.reach(number, |node| &node.needs)
    }

    /// A node and all that it reads, directly or not.
    pub(crate) fn with_inputs(&self, number: usize) -> BTreeSet<usize> {
        self.reach(number, |node| &node.inputs)
    }

    fn reach(&self, number: usize, next: impl Fn(&LiveNode) -> &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![number];
        while let Some(at) = open.pop() {
            if found.insert(at) {
                open.extend(next(&self.nodes[at]));
            }
        }
        found
    }
}

/// The tests that keep a version of the node back: those of error severity that read it.
pub(crate) fn gates<'a>(manifest: &'a Manifest, unique_id: &'a str) -> impl Iterator<Item = &'a Node> {
    manifest.tests_of(unique_id).filter(|test| test.config.severity == TestSeverity::Error)
}

/// What a model is called in metrics and on the board: versions of one model are told apart.
fn label(node: &Node) -> String {
    match &node.version {
        Some(version) => format!("{}.v{version}", node.name),
        None => node.name.clone(),
    }
}

fn is_dynamic(node: &Node) -> bool {
    node.resource_type == ResourceType::Model && node.config.materialized == "dynamic_table"
}

fn has_own_lag(node: &Node) -> bool {
    is_dynamic(node) && matches!(lag::of(node), Ok(Lag::Within(_)))
}

/// Whether the node is rows on disk.
fn is_physical(node: &Node) -> bool {
    node.is_relational() && !node.is_ephemeral() && node.config.materialized != "view"
}

/// For each node, the physical relations that it reads.
fn physical_reads(project: &Project) -> BTreeMap<&str, BTreeSet<String>> {
    let manifest = &project.manifest;
    let mut reads: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for id in &project.order {
        let Some(node) = manifest.nodes.get(id).filter(|node| node.is_relational() || node.is_ephemeral()) else {
            continue;
        };
        let mut found = BTreeSet::new();
        for parent in &node.depends_on.nodes {
            if manifest.sources.contains_key(parent) || manifest.nodes.get(parent).is_some_and(is_physical) {
                found.insert(parent.clone());
            } else if let Some(through) = reads.get(parent.as_str()) {
                found.extend(through.iter().cloned());
            }
        }
        reads.insert(id, found);
    }
    reads
}

/// What the nodes and their gates read, directly or not, and the nodes themselves.
fn needed(manifest: &Manifest, nodes: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<&str> = nodes.iter().copied().collect();
    while let Some(id) = open.pop() {
        if !found.insert(id.to_owned()) {
            continue;
        }
        if let Some(node) = manifest.nodes.get(id) {
            open.extend(node.depends_on.nodes.iter().map(String::as_str));
        }
        open.extend(gates(manifest, id).flat_map(|test| test.depends_on.nodes.iter().map(String::as_str)));
    }
    found.retain(|id| manifest.nodes.contains_key(id));
    found
}

fn sources(manifest: &Manifest, unique_id: &str) -> BTreeSet<String> {
    let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![unique_id]);
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        if manifest.sources.contains_key(id) {
            found.insert(id.to_owned());
        }
        open.extend(manifest.nodes.get(id).into_iter().flat_map(|node| &node.depends_on.nodes).map(String::as_str));
    }
    found
}
