//! A small directed graph over the steps of a plan, by number.
//!
//! Guarantees: everything is iterative, so that a deep project cannot overflow the stack; orders are by number, and
//! steps are numbered by their ids, so that the same project gives the same plan.

use std::collections::{BTreeSet, VecDeque};

/// For each step, the steps that it needs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    needs: Vec<BTreeSet<usize>>,
}

impl Graph {
    pub(crate) fn new(steps: usize) -> Self {
        Self { needs: vec![BTreeSet::new(); steps] }
    }

    pub(crate) fn add(&mut self, step: usize, needed: usize) {
        if step != needed {
            self.needs[step].insert(needed);
        }
    }

    pub(crate) fn needs(&self, step: usize) -> &BTreeSet<usize> {
        &self.needs[step]
    }

    /// Whether `step` needs `other`, directly or through others.
    pub(crate) fn reaches(&self, step: usize, other: usize) -> bool {
        let mut seen = vec![false; self.needs.len()];
        let mut open = vec![step];
        while let Some(at) = open.pop() {
            if at == other {
                return true;
            }
            if !std::mem::replace(&mut seen[at], true) {
                open.extend(&self.needs[at]);
            }
        }
        false
    }

    /// Every step after all that it needs, the lowest number first among equals. Shorter than the graph when there
    /// is a cycle.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut missing: Vec<usize> = self.needs.iter().map(BTreeSet::len).collect();
        let mut needed_by = vec![Vec::new(); self.needs.len()];
        for (step, needs) in self.needs.iter().enumerate() {
            for needed in needs {
                needed_by[*needed].push(step);
            }
        }
        let mut ready: BTreeSet<usize> = (0..missing.len()).filter(|step| missing[*step] == 0).collect();
        let mut order = VecDeque::with_capacity(missing.len());
        while let Some(step) = ready.pop_first() {
            order.push_back(step);
            for waiting in &needed_by[step] {
                missing[*waiting] -= 1;
                if missing[*waiting] == 0 {
                    ready.insert(*waiting);
                }
            }
        }
        order.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_reach() {
        let mut graph = Graph::new(4);
        graph.add(0, 3);
        graph.add(2, 0);
        graph.add(2, 1);
        assert_eq!(graph.order(), [1, 3, 0, 2]);
        assert!(graph.reaches(2, 3));
        assert!(!graph.reaches(3, 2));
        graph.add(3, 2);
        assert_eq!(graph.order(), [1], "a cycle leaves its steps out");
    }
}
