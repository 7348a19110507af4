//! Which step a test gates (write, audit, publish).
//!
//! The rule, for the selected tests of a `build`:
//! 1. A test that reads an ephemeral model, or none of the selected models, seeds and snapshots (a test of a source,
//!    or of a model that is not built now), is a step of its own. As in dbt, every selected node that is downstream
//!    of *all* that the test reads waits for it and is skipped when it fails.
//! 2. A test that reads exactly one selected node gates that node: it runs against the staged version.
//! 3. A test that reads several selected nodes gates the node that it is declared on (`attached_node`), provided that
//!    none of the others needs that node; the gated node then waits until the others are published. Otherwise (and
//!    for singular tests, which are declared on nothing) it gates the one of them that comes last in the order of
//!    the plan.
//!
//! Under 3, a test whose severity is error must be possible: when one of the other nodes fails or is skipped, the
//! gated node is skipped as well and keeps its last good version. A test whose severity is warn is skipped instead.

use std::collections::{BTreeMap, BTreeSet};

use millstream_project::{Manifest, Node, ResourceType, TestSeverity};

use super::graph::Graph;
use super::{Gate, Step, Work};

/// The tests that gate a step (rules 2 and 3); the other tests are steps themselves (rule 1).
pub(super) fn gating_tests<'a>(manifest: &Manifest, chosen: &BTreeMap<&'a str, &'a Node>) -> BTreeSet<&'a str> {
    let is_built = |id: &String| chosen.get(id.as_str()).is_some_and(|parent| parent.is_relational());
    let is_ephemeral = |id: &String| manifest.nodes.get(id).is_some_and(Node::is_ephemeral);
    let gates = |node: &Node| {
        let parents = &node.depends_on.nodes;
        parents.iter().any(is_built) && !parents.iter().any(is_ephemeral)
    };
    chosen
        .iter()
        .filter(|(_, node)| node.resource_type == ResourceType::Test && gates(node))
        .map(|(id, _)| *id)
        .collect()
}

/// Rule 1: readers of everything that a stand-alone test reads wait for the test.
pub(super) fn tests_before_readers(
    manifest: &Manifest,
    steps: &[Step],
    index: &BTreeMap<String, usize>,
    graph: &mut Graph,
) {
    for (number, step) in steps.iter().enumerate().filter(|(_, step)| step.work == Work::Test) {
        let Some(node) = manifest.nodes.get(&step.unique_id) else { continue };
        for reader in readers_of_all(manifest, node).iter().filter_map(|reader| index.get(*reader)) {
            if steps[*reader].work == Work::Relation {
                graph.add(*reader, number);
            }
        }
    }
}

/// What reads, directly or not, everything that a test reads.
pub(crate) fn readers_of_all<'a>(manifest: &'a Manifest, test: &'a Node) -> BTreeSet<&'a str> {
    let mut parents = test.depends_on.nodes.iter();
    let Some(first) = parents.next() else { return BTreeSet::new() };
    let mut readers = descendants(manifest, first);
    for parent in parents {
        let others = descendants(manifest, parent);
        readers.retain(|reader| others.contains(reader));
    }
    readers
}

fn descendants<'a>(manifest: &'a Manifest, id: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![id];
    while let Some(at) = open.pop() {
        for child in manifest.child_map.get(at).into_iter().flatten() {
            if found.insert(child.as_str()) {
                open.push(child);
            }
        }
    }
    found
}

/// Rules 2 and 3: gives each gating test to its step.
pub(super) fn assign(
    manifest: &Manifest,
    gating: &BTreeSet<&str>,
    index: &BTreeMap<String, usize>,
    steps: &mut [Step],
    graph: &mut Graph,
) {
    for id in gating {
        let Some(node) = manifest.nodes.get(*id) else { continue };
        let parents: BTreeSet<usize> =
            node.depends_on.nodes.iter().filter_map(|parent| index.get(parent)).copied().collect();
        let Some(gated) = gated_step(node, &parents, index, graph) else { continue };
        let others: BTreeSet<usize> = parents.into_iter().filter(|parent| *parent != gated).collect();
        for other in &others {
            let is_new = !graph.needs(gated).contains(other);
            graph.add(gated, *other);
            if is_new && node.config.severity == TestSeverity::Warn {
                steps[gated].after.insert(*other);
            }
            if node.config.severity == TestSeverity::Error {
                steps[gated].after.remove(other);
            }
        }
        steps[gated].gates.push(Gate { unique_id: (*id).to_owned(), others });
    }
}

fn gated_step(test: &Node, parents: &BTreeSet<usize>, index: &BTreeMap<String, usize>, graph: &Graph) -> Option<usize> {
    if parents.len() == 1 {
        return parents.first().copied();
    }
    let attached = test.attached_node.as_ref().and_then(|id| index.get(id)).filter(|step| parents.contains(step));
    if let Some(attached) = attached
        && parents.iter().all(|other| other == attached || !graph.reaches(*other, *attached))
    {
        return Some(*attached);
    }
    graph.order().into_iter().rev().find(|step| parents.contains(step))
}
