//! The graph of a manifest: order, circles, ancestors and descendants.
//!
//! Guarantees: orders are the same for the same graph. Deliberately absent: what nodes mean.

use std::collections::{BTreeMap, BTreeSet};

/// Unique id → unique ids that it is joined with.
pub(crate) type Edges = BTreeMap<String, BTreeSet<String>>;

/// All elements, parents before children, otherwise sorted. Elements on a circle, and those behind one, are left out.
pub(crate) fn topological(parents: &Edges, children: &Edges) -> Vec<String> {
    let mut waiting: BTreeMap<&str, usize> = parents.iter().map(|(id, parents)| (id.as_str(), parents.len())).collect();
    let mut ready: BTreeSet<&str> = waiting.iter().filter(|(_, left)| **left == 0).map(|(id, _)| *id).collect();
    let mut order = Vec::with_capacity(parents.len());
    while let Some(id) = ready.pop_first() {
        order.push(id.to_owned());
        for child in children.get(id).into_iter().flatten() {
            if let Some(left) = waiting.get_mut(child.as_str()) {
                *left -= 1;
                if *left == 0 {
                    ready.insert(child);
                }
            }
        }
    }
    order
}

/// One circle for each knot of elements that depend on each other: the ids along it, the first one not repeated.
/// An element that depends on itself is a circle of one.
pub(crate) fn circles(parents: &Edges, children: &Edges) -> Vec<Vec<String>> {
    let ordered: BTreeSet<String> = topological(parents, children).into_iter().collect();
    let mut left: BTreeSet<&str> = parents.keys().map(String::as_str).filter(|id| !ordered.contains(*id)).collect();
    let mut found = Vec::new();
    while let Some(start) = left.first().copied() {
        // Whoever is left has a parent that is left, so walking up must come around.
        let mut path: Vec<&str> = vec![start];
        let circle = loop {
            let Some(here) = path.last().copied() else { break Vec::new() };
            let Some(up) = parents.get(here).into_iter().flatten().map(String::as_str).find(|id| left.contains(id))
            else {
                break Vec::new();
            };
            if let Some(at) = path.iter().position(|id| *id == up) {
                break path[at..].to_vec();
            }
            path.push(up);
        };
        if circle.is_empty() {
            left.remove(start);
            continue;
        }
        let knot = knot_of(circle[0], parents, children, &left);
        left.retain(|id| !knot.contains(*id));
        // Everything that only hangs behind the knot is no circle of its own.
        loop {
            let free: Vec<&str> = left
                .iter()
                .copied()
                .filter(|id| parents.get(*id).into_iter().flatten().all(|up| !left.contains(up.as_str())))
                .collect();
            if free.is_empty() {
                break;
            }
            free.iter().for_each(|id| {
                left.remove(id);
            });
        }
        let first = circle.iter().enumerate().min_by_key(|(_, id)| **id).map_or(0, |(at, _)| at);
        let turned = circle[first..].iter().chain(&circle[..first]);
        // The walk went from child to parent; people read from what is read to who reads it.
        let mut turned: Vec<String> = turned.map(|id| (*id).to_owned()).collect();
        turned[1..].reverse();
        found.push(turned);
    }
    found
}

/// Elements that both lead to `id` and are led to by it.
fn knot_of(id: &str, parents: &Edges, children: &Edges, within: &BTreeSet<&str>) -> BTreeSet<String> {
    let start: BTreeSet<String> = [id.to_owned()].into();
    let mut up = reach(&start, parents, None);
    let down = reach(&start, children, None);
    up.retain(|id| down.contains(id) && within.contains(id.as_str()));
    up.insert(id.to_owned());
    up
}

/// Elements within `depth` steps along `edges` (all of them when `None`), without those of `start` that are not
/// reached from another.
pub(crate) fn reach(start: &BTreeSet<String>, edges: &Edges, depth: Option<usize>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut layer: BTreeSet<&String> = start.iter().collect();
    let mut step = 0;
    while !layer.is_empty() && depth.is_none_or(|depth| step < depth) {
        let mut next = BTreeSet::new();
        for id in layer {
            for other in edges.get(id).into_iter().flatten() {
                if !reached.contains(other) {
                    next.insert(other);
                }
            }
        }
        reached.extend(next.iter().map(|id| (*id).clone()));
        layer = next;
        step += 1;
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[(&str, &[&str])]) -> (Edges, Edges) {
        let mut parents = Edges::new();
        let mut children = Edges::new();
        for (id, above) in pairs {
            parents.entry((*id).into()).or_default();
            children.entry((*id).into()).or_default();
            for up in *above {
                parents.entry((*id).into()).or_default().insert((*up).into());
                children.entry((*up).into()).or_default().insert((*id).into());
            }
        }
        (parents, children)
    }

    #[test]
    fn parents_come_before_children_and_ties_are_sorted() {
        let (parents, children) = edges(&[("z", &[]), ("a", &["z"]), ("b", &[]), ("c", &["a", "b"])]);
        assert_eq!(topological(&parents, &children), ["b", "z", "a", "c"]);
    }

    #[test]
    fn each_knot_is_told_once_as_a_path() {
        let (parents, children) = edges(&[
            ("a", &["c"]),
            ("b", &["a"]),
            ("c", &["b"]),
            ("behind", &["c"]),
            ("self", &["self"]),
            ("free", &[]),
        ]);
        assert_eq!(circles(&parents, &children), [vec!["a", "b", "c"], vec!["self"]]);
    }

    #[test]
    fn reach_respects_depth() {
        let (parents, children) = edges(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
        let start: BTreeSet<String> = ["a".to_owned()].into();
        assert_eq!(reach(&start, &children, Some(1)).into_iter().collect::<Vec<_>>(), ["b"]);
        assert_eq!(reach(&start, &children, None).into_iter().collect::<Vec<_>>(), ["b", "c"]);
        assert!(reach(&start, &parents, None).is_empty());
    }
}
