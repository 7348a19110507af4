//! Criteria and how they combine.

use millstream_core::{Error, Result};

use super::IndirectSelection;
use super::criterion::Criterion;
use crate::limits::SELECTOR_TERMS_MAX;

/// A selection as a tree.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Spec {
    /// One criterion.
    One(Criterion),
    /// What any of the parts selects.
    Union(Group),
    /// What all of the parts select.
    Intersection(Group),
    /// What the first part selects and no other.
    Difference(Group),
}

/// Parts of a combination.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// The parts.
    pub parts: Vec<Spec>,
    /// The text that it was made from, if it is worth a warning when nothing matches.
    pub raw: Option<String>,
    /// How tests that single parts did not draw in are looked at again.
    pub indirect: IndirectSelection,
}

impl Group {
    pub(crate) fn new(parts: Vec<Spec>) -> Self {
        Self { parts, raw: None, indirect: IndirectSelection::Eager }
    }
}

impl Spec {
    /// What `--select` and `--exclude` say. No `--select` is everything.
    pub(crate) fn from_flags(select: &[String], exclude: &[String], indirect: IndirectSelection) -> Result<Self> {
        let everything = ["fqn:*", "source:*", "exposure:*"].map(str::to_owned);
        let (included, told) = if select.is_empty() { (&everything[..], false) } else { (select, true) };
        let parts = vec![Self::union(included, told, indirect)?, Self::union(exclude, true, indirect)?];
        Ok(Self::Difference(Group::new(parts)))
    }

    /// Values of a flag: spaces separate what is united, commas what must hold at once.
    fn union(values: &[String], told: bool, indirect: IndirectSelection) -> Result<Self> {
        let terms: Vec<&str> = values.iter().flat_map(|value| value.split_whitespace()).collect();
        if terms.len() > SELECTOR_TERMS_MAX {
            return Err(Error::usage(format!("a selection may have {SELECTOR_TERMS_MAX} terms, not {}", terms.len()))
                .hint("define it in selectors.yml by tags or paths"));
        }
        let mut parts = Vec::new();
        for term in terms {
            let mut group = Vec::new();
            for part in term.split(',') {
                let mut criterion = Criterion::parse(part)?;
                criterion.indirect = Some(indirect);
                group.push(Self::One(criterion));
            }
            parts.push(Self::Intersection(Group { parts: group, raw: told.then(|| term.to_owned()), indirect }));
        }
        Ok(Self::Union(Group { parts, raw: None, indirect }))
    }

    /// Gives criteria that do not say it themselves the command line's way to draw in tests.
    pub(crate) fn with_default_indirect(self, indirect: IndirectSelection) -> Self {
        let all = |group: Group| Group {
            parts: group.parts.into_iter().map(|part| part.with_default_indirect(indirect)).collect(),
            ..group
        };
        match self {
            Self::One(criterion) => {
                let own = criterion.indirect.unwrap_or(indirect);
                Self::One(Criterion { indirect: Some(own), ..criterion })
            }
            Self::Union(group) => Self::Union(all(group)),
            Self::Intersection(group) => Self::Intersection(all(group)),
            Self::Difference(group) => Self::Difference(all(group)),
        }
    }
}
