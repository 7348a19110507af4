//! From a verb and a selection to steps and what each of them waits for.
//!
//! Guarantees: a step waits for the nearest selected steps that its node reads, directly or through ephemeral
//! models and nodes that are not selected; every selected test of a `build` belongs either to exactly one step as
//! its gate (see [`gates`]) or is a step of its own; there is no cycle; steps are in the order of their ids.
//!
//! Deliberately absent: anything about how a step is carried out.

mod gates;
mod graph;

use std::collections::{BTreeMap, BTreeSet};

use millstream_core::{Error, Result};
use millstream_project::{Manifest, Node, ResourceType};

use crate::Verb;
pub(crate) use gates::readers_of_all;
use graph::Graph;

/// What a request carries out.
#[derive(Debug)]
pub(crate) struct Plan {
    /// In the order of unique ids.
    pub(crate) steps: Vec<Step>,
}

/// One node to carry out, with the tests that gate it.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// dbt's unique id.
    pub(crate) unique_id: String,
    /// What is done.
    pub(crate) work: Work,
    /// Tests that run against the staged version before it is published, in the order of ids.
    pub(crate) gates: Vec<Gate>,
    /// Steps that must have succeeded.
    pub(crate) needs: BTreeSet<usize>,
    /// Steps that must have ended, well or badly.
    pub(crate) after: BTreeSet<usize>,
}

/// What is done with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Work {
    /// A model, seed or snapshot is staged, audited and published.
    #[default]
    Relation,
    /// A test is run.
    Test,
    /// A unit test is run.
    UnitTest,
    /// SQL is rendered and written to `target/compiled`.
    Compile,
    /// A relation of another run is cloned.
    Clone,
}

/// A test that gates a step.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The test.
    pub(crate) unique_id: String,
    /// The other steps that it reads; it is skipped when one of them did not succeed.
    pub(crate) others: BTreeSet<usize>,
}

impl Plan {
    /// The plan for these nodes. Selected nodes that the verb has no use for are left out.
    pub(crate) fn new(manifest: &Manifest, verb: Verb, selected: &BTreeSet<String>) -> Result<Self> {
        let chosen: BTreeMap<&str, &Node> = selected
            .iter()
            .filter_map(|id| manifest.nodes.get_key_value(id))
            .filter(|(_, node)| takes(verb, node))
            .map(|(id, node)| (id.as_str(), node))
            .collect();
        let gated: BTreeSet<&str> =
            if verb == Verb::Build { gates::gating_tests(manifest, &chosen) } else { BTreeSet::new() };
        let mut steps: Vec<Step> = chosen
            .iter()
            .filter(|(id, _)| !gated.contains(*id))
            .map(|(id, node)| Step { unique_id: (*id).to_owned(), work: work(verb, node), ..Step::default() })
            .collect();
        if matches!(verb, Verb::Build | Verb::Test) {
            let units = selected.iter().filter(|id| manifest.unit_tests.contains_key(*id));
            // Their ids sort behind those of all nodes.
            steps.extend(units.map(|id| Step { unique_id: id.clone(), work: Work::UnitTest, ..Step::default() }));
        }
        let index: BTreeMap<String, usize> =
            steps.iter().enumerate().map(|(number, step)| (step.unique_id.clone(), number)).collect();
        let mut graph = Graph::new(steps.len());
        if !matches!(verb, Verb::Test | Verb::Compile | Verb::Clone) {
            let mut nearest = Nearest { manifest, index: &index, known: BTreeMap::new() };
            for (number, step) in steps.iter().enumerate() {
                for needed in nearest.below(&step.unique_id) {
                    graph.add(number, needed);
                }
            }
        }
        if verb == Verb::Build {
            unit_tests_before_models(manifest, &steps, &index, &mut graph);
            gates::tests_before_readers(manifest, &steps, &index, &mut graph);
            gates::assign(manifest, &gated, &index, &mut steps, &mut graph);
        }
        if graph.order().len() < steps.len() {
            return Err(Error::ours("the plan has a cycle").hint("please report this with the project's models"));
        }
        for (number, step) in steps.iter_mut().enumerate() {
            step.needs = graph.needs(number).difference(&step.after).copied().collect();
        }
        Ok(Self { steps })
    }

    /// Nodes that will have a result: steps and their gates.
    pub(crate) fn total(&self) -> usize {
        self.steps.iter().map(|step| 1 + step.gates.len()).sum()
    }
}

/// A model waits for its unit tests, and they wait for what it reads, whose columns their rows get.
fn unit_tests_before_models(manifest: &Manifest, steps: &[Step], index: &BTreeMap<String, usize>, graph: &mut Graph) {
    let mut nearest = Nearest { manifest, index, known: BTreeMap::new() };
    for (number, step) in steps.iter().enumerate().filter(|(_, step)| step.work == Work::UnitTest) {
        let Some(test) = manifest.unit_tests.get(&step.unique_id) else { continue };
        for needed in nearest.below(&test.tested_node) {
            graph.add(number, needed);
        }
        match index.get(&test.tested_node) {
            Some(model) => graph.add(*model, number),
            // An ephemeral model is not built: those that read it wait.
            None => {
                let readers = steps.iter().enumerate().filter(|(_, step)| {
                    step.work == Work::Relation
                        && manifest
                            .nodes
                            .get(&step.unique_id)
                            .is_some_and(|node| node.depends_on.nodes.contains(&test.tested_node))
                });
                readers.for_each(|(reader, _)| graph.add(reader, number));
            }
        }
    }
}

fn takes(verb: Verb, node: &Node) -> bool {
    let kind = node.resource_type;
    match verb {
        Verb::Build => node.is_relational() || kind == ResourceType::Test,
        Verb::Run => node.is_relational() && kind == ResourceType::Model,
        Verb::Test => kind == ResourceType::Test,
        Verb::Seed => kind == ResourceType::Seed,
        Verb::Snapshot => kind == ResourceType::Snapshot,
        Verb::RunOperation => false,
        Verb::Clone => node.is_relational(),
        Verb::Compile => {
            matches!(kind, ResourceType::Model | ResourceType::Snapshot | ResourceType::Test | ResourceType::Analysis)
        }
    }
}

fn work(verb: Verb, node: &Node) -> Work {
    match (verb, node.resource_type) {
        (Verb::Compile, _) => Work::Compile,
        (Verb::Clone, _) => Work::Clone,
        (_, ResourceType::Test) => Work::Test,
        _ => Work::Relation,
    }
}

/// Finds the nearest steps below a node. What is below a node that is no step is worked out once.
struct Nearest<'a> {
    manifest: &'a Manifest,
    index: &'a BTreeMap<String, usize>,
    known: BTreeMap<&'a str, BTreeSet<usize>>,
}

impl<'a> Nearest<'a> {
    fn parents(&self, id: &str) -> &'a [String] {
        self.manifest.nodes.get(id).map_or(&[], |node| node.depends_on.nodes.as_slice())
    }

    fn below(&mut self, id: &str) -> BTreeSet<usize> {
        let parents = self.parents(id);
        for parent in parents {
            self.learn(parent);
        }
        self.collect(parents)
    }

    fn collect(&self, parents: &[String]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for parent in parents {
            match self.index.get(parent) {
                Some(step) => {
                    found.insert(*step);
                }
                None => found.extend(self.known.get(parent.as_str()).into_iter().flatten()),
            }
        }
        found
    }

    /// Depth first without recursion: a node is worked out when all that it reads is.
    fn learn(&mut self, id: &'a str) {
        let mut open = vec![(id, false)];
        while let Some((at, parents_done)) = open.pop() {
            if self.index.contains_key(at) || (!parents_done && self.known.contains_key(at)) {
                continue;
            }
            let parents = self.parents(at);
            if parents_done {
                let found = self.collect(parents);
                self.known.insert(at, found);
            } else {
                // Stands in for the answer while its parents are looked at, so that a cycle would end.
                self.known.insert(at, BTreeSet::new());
                open.push((at, true));
                open.extend(parents.iter().map(|parent| (parent.as_str(), false)));
            }
        }
    }
}
