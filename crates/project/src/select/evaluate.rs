//! A selection tree into unique ids.

use millstream_core::Result;

use super::criterion::{Criterion, STATEFUL};
use super::spec::{Group, Spec};
use super::{Ids, IndirectSelection, methods, state};
use crate::graph::reach;
use crate::manifest::Manifest;
use crate::project::Project;
use crate::state::State;

/// One evaluation.
pub(super) struct Evaluation<'p> {
    project: &'p Project,
    manifest: &'p Manifest,
    state: Option<&'p State>,
    /// Criteria that matched nothing.
    pub(super) warnings: Vec<String>,
}

/// What is selected, and tests that would be if more of their parents were.
struct Chosen {
    direct: Ids,
    indirect: Ids,
}

impl<'p> Evaluation<'p> {
    pub(super) fn new(project: &'p Project, state: Option<&'p State>) -> Self {
        Self { project, manifest: &project.manifest, state, warnings: Vec::new() }
    }

    pub(super) fn run(&mut self, spec: &Spec) -> Result<Ids> {
        Ok(self.spec(spec)?.direct)
    }

    fn spec(&mut self, spec: &Spec) -> Result<Chosen> {
        match spec {
            Spec::One(criterion) => self.criterion(criterion),
            Spec::Union(group) => self.group(group, |all, next| all.extend(next.iter().cloned())),
            Spec::Intersection(group) => self.group(group, |all, next| all.retain(|id| next.contains(id))),
            Spec::Difference(group) => self.group(group, |all, next| all.retain(|id| !next.contains(id))),
        }
    }

    fn group(&mut self, group: &Group, combine: impl Fn(&mut Ids, &Ids)) -> Result<Chosen> {
        let mut combined: Option<(Ids, Ids)> = None;
        for part in &group.parts {
            let Chosen { direct, indirect } = self.spec(part)?;
            let both: Ids = direct.union(&indirect).cloned().collect();
            match &mut combined {
                None => combined = Some((direct, both)),
                Some((all_direct, all_both)) => {
                    combine(all_direct, &direct);
                    combine(all_both, &both);
                }
            }
        }
        let (direct, indirect) = combined.unwrap_or_default();
        let direct = self.with_complete_tests(direct, &indirect, group.indirect);
        if let Some(raw) = &group.raw
            && direct.is_empty()
        {
            self.warnings.push(format!("the selection '{raw}' matches nothing"));
        }
        Ok(Chosen { direct, indirect })
    }

    fn criterion(&self, criterion: &Criterion) -> Result<Chosen> {
        let mut selected = if STATEFUL.contains(&criterion.method.as_str()) {
            // What another run knew may be gone.
            let mut found = state::search(self.project, self.state, criterion)?;
            found.retain(|id| self.manifest.resource_type(id).is_some());
            found
        } else {
            methods::search(self.project, criterion)?
        };
        let found = selected.clone();
        if criterion.childrens_parents {
            let mut below = reach(&found, &self.manifest.child_map, None);
            below.extend(found.iter().cloned());
            selected.extend(reach(&below, &self.manifest.parent_map, None));
            selected.extend(below);
        }
        if let Some(depth) = criterion.parents {
            selected.extend(reach(&found, &self.manifest.parent_map, depth));
        }
        if let Some(depth) = criterion.children {
            selected.extend(reach(&found, &self.manifest.child_map, depth));
        }
        Ok(self.with_tests(selected, criterion.indirect.unwrap_or_default()))
    }

    /// Draws in the tests of what is selected.
    fn with_tests(&self, selected: Ids, mode: IndirectSelection) -> Chosen {
        if mode == IndirectSelection::Empty {
            return Chosen { direct: selected, indirect: Ids::new() };
        }
        let around = match mode {
            IndirectSelection::Buildable => self.with_ancestors_and_sources(&selected),
            _ => Ids::new(),
        };
        let mut chosen = Chosen { direct: selected.clone(), indirect: Ids::new() };
        for child in selected.iter().flat_map(|id| self.manifest.child_map.get(id).into_iter().flatten()) {
            if !self.is_test(child) {
                continue;
            }
            let complete = self.parents_within(child, &selected)
                || (mode == IndirectSelection::Buildable && self.parents_within(child, &around));
            if mode == IndirectSelection::Eager || complete {
                chosen.direct.insert(child.clone());
            } else {
                chosen.indirect.insert(child.clone());
            }
        }
        chosen
    }

    /// Adds tests whose parents only the combination has all.
    fn with_complete_tests(&self, direct: Ids, indirect: &Ids, mode: IndirectSelection) -> Ids {
        let around = match mode {
            IndirectSelection::Cautious => direct.clone(),
            IndirectSelection::Buildable => self.with_ancestors_and_sources(&direct),
            IndirectSelection::Eager | IndirectSelection::Empty => return direct,
        };
        let complete = indirect.iter().filter(|id| self.parents_within(id, &around)).cloned();
        direct.iter().cloned().chain(complete).collect()
    }

    fn with_ancestors_and_sources(&self, ids: &Ids) -> Ids {
        let mut all = reach(ids, &self.manifest.parent_map, None);
        all.extend(ids.iter().cloned());
        all.extend(self.manifest.sources.keys().cloned());
        all
    }

    fn is_test(&self, unique_id: &str) -> bool {
        unique_id.starts_with("test.") || self.manifest.unit_tests.contains_key(unique_id)
    }

    fn parents_within(&self, unique_id: &str, ids: &Ids) -> bool {
        self.manifest.parent_map.get(unique_id).into_iter().flatten().all(|parent| ids.contains(parent))
    }
}
