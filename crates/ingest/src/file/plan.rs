//! What the tables' positions say about a file, and what is therefore to be done with it.
//!
//! A file's position is `file:<unit>#<hash>` → rows in; a value of [`WITHDRAWN`] means that those rows were taken
//! out again. Raw and quarantine tables each carry their own. Quarantine is committed first, so that the raw table's
//! position is the final word: what it shows is complete in both. Quarantine may be ahead of it after a crash:
//!
//! | raw has   | quarantine has | the run before was killed …          | now                               |
//! |-----------|----------------|--------------------------------------|-----------------------------------|
//! | nothing   | this content   | between the commits of a first load  | load again, quarantine anew       |
//! | other     | this content   | between the commits of a replacement | replace, though not asked again   |
//! | this      | other content  | the same, and the file was put back  | quarantine anew                   |
//! | nothing   | any content    | the same, and the file is gone       | take the rows out of quarantine   |
//!
//! A load that is done again never trusts what quarantine has: the contract may have changed in between, and then
//! other rows are broken. It takes the unit's rows out and writes them anew, in one commit.
//!
//! A table that quarantined nothing gets no commit for it (once the table exists): the raw position implies it.

use std::collections::BTreeMap;

use millstream_core::warehouse::TableState;

/// The position of a content whose rows were taken out of the table again.
pub(crate) const WITHDRAWN: i64 = -1;

const PREFIX: &str = "file:";

/// The id of a file's position.
pub(crate) fn position_id(unit: &str, hash: &str) -> String {
    format!("{PREFIX}{unit}#{hash}")
}

/// What one table holds of files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holdings {
    positions: BTreeMap<String, i64>,
    /// unit → hashes whose rows are in the table (one, unless someone wrote positions by hand).
    units: BTreeMap<String, Vec<String>>,
    exists: bool,
}

impl Holdings {
    /// Reads a table's positions.
    pub(crate) fn new(state: Option<&TableState>) -> Self {
        let mut holdings = Self { exists: state.is_some(), ..Self::default() };
        for (id, position) in state.map(|state| &state.positions).into_iter().flatten() {
            let Some((unit, hash)) = id.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('#')) else { continue };
            holdings.positions.insert(id.clone(), *position);
            if *position != WITHDRAWN {
                holdings.units.entry(unit.to_owned()).or_default().push(hash.to_owned());
            }
        }
        holdings
    }

    /// Whether the table exists.
    pub(crate) fn exists(&self) -> bool {
        self.exists
    }
    /// The content of a unit that is in the table.
    pub(crate) fn content(&self, unit: &str) -> &[String] {
        self.units.get(unit).map_or(&[], Vec::as_slice)
    }
    /// Rows that were read for a content that is in the table.
    pub(crate) fn rows_in(&self, unit: &str, hash: &str) -> Option<i64> {
        self.positions.get(&position_id(unit, hash)).copied()
    }
    /// Units that are in the table.
    pub(crate) fn units(&self) -> impl Iterator<Item = &str> {
        self.units.keys().map(String::as_str)
    }
    fn has(&self, unit: &str, hash: &str) -> bool {
        self.content(unit).iter().any(|other| other == hash)
    }
    /// Positions that a commit of `hash` sets, and those that it expects to find.
    pub(crate) fn step(&self, unit: &str, hash: &str, rows_in: i64) -> Step {
        let id = position_id(unit, hash);
        let mut expected = vec![(id.clone(), self.positions.get(&id).copied())];
        let mut positions = vec![(id, rows_in)];
        for other in self.content(unit).iter().filter(|other| *other != hash) {
            let id = position_id(unit, other);
            expected.push((id.clone(), self.positions.get(&id).copied()));
            positions.push((id, WITHDRAWN));
        }
        Step { positions, expected, replaces: !self.content(unit).is_empty() }
    }
    /// Follows a commit.
    pub(crate) fn apply(&mut self, step: &Step) {
        self.exists = true;
        for (id, position) in &step.positions {
            self.positions.insert(id.clone(), *position);
            let Some((unit, hash)) = id.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('#')) else { continue };
            let hashes = self.units.entry(unit.to_owned()).or_default();
            hashes.retain(|other| other != hash);
            if *position != WITHDRAWN {
                hashes.push(hash.to_owned());
            }
        }
        self.units.retain(|_, hashes| !hashes.is_empty());
    }
    /// Positions that take a unit out.
    pub(crate) fn withdrawal(&self, unit: &str) -> Step {
        let ids: Vec<String> = self.content(unit).iter().map(|hash| position_id(unit, hash)).collect();
        let expected = ids.iter().map(|id| (id.clone(), self.positions.get(id).copied())).collect();
        Step { positions: ids.into_iter().map(|id| (id, WITHDRAWN)).collect(), expected, replaces: true }
    }
}

/// The positions of one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) positions: Vec<(String, i64)>,
    pub(crate) expected: Vec<(String, Option<i64>)>,
    /// Whether rows of the unit are in the table and are to be taken out.
    pub(crate) replaces: bool,
}

/// What is to be done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Its rows are in the tables.
    Nothing,
    /// The same content is in the tables under another name.
    SameContent { loaded_as: String },
    /// The raw table has it, quarantine has another content: bring quarantine in line.
    QuarantineOnly,
    /// Load it; rows of an earlier content are taken out.
    Load,
    /// Nothing may be done.
    Refuse { reason: String },
}

/// Decides by the content's hash.
pub(crate) fn plan(raw: &Holdings, quarantine: &Holdings, unit: &str, name: &str, hash: &str, replace: bool) -> Plan {
    if raw.has(unit, hash) {
        let in_line = quarantine.content(unit).iter().all(|other| other == hash);
        return if in_line { Plan::Nothing } else { Plan::QuarantineOnly };
    }
    // Files without rows may well be equal: each is loaded under its own name.
    let same = raw.units.iter().find(|(other, hashes)| {
        hashes.iter().any(|other| other == hash) && raw.rows_in(other, hash).is_some_and(|rows| rows > 0)
    });
    if raw.content(unit).is_empty() {
        if let Some((loaded_as, _)) = same {
            return Plan::SameContent { loaded_as: loaded_as.clone() };
        }
        // Rows are known by the file's name without its folder: two files of one name could not be told apart.
        let namesake = raw.units().find(|other| *other != unit && other.rsplit('/').next() == Some(name));
        if let Some(other) = namesake {
            let reason = format!("rows of another file named {name} are in the table ({other}): rename this file");
            return Plan::Refuse { reason };
        }
        return Plan::Load;
    }
    if let Some((loaded_as, _)) = same {
        return Plan::Refuse { reason: format!("its content is the same as {loaded_as}'s, which is loaded already") };
    }
    // A replacement that was begun is ended.
    if replace || quarantine.has(unit, hash) {
        return Plan::Load;
    }
    let loaded = raw.content(unit).first().map(|hash| short(hash)).unwrap_or_default();
    let reason = format!(
        "a file of this name was loaded with other content (sha256 {loaded}…, now {}…): to take its place use --replace",
        short(hash)
    );
    Plan::Refuse { reason }
}

/// The first characters of a hash, enough to tell two apart by eye.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holdings(positions: &[(&str, i64)]) -> Holdings {
        let state = TableState {
            version: 1,
            schema: crate::quarantine::quarantine_schema(),
            positions: positions.iter().map(|(id, position)| ((*id).to_owned(), *position)).collect(),
        };
        Holdings::new(Some(&state))
    }

    #[test]
    fn a_content_that_was_replaced_can_come_back() {
        let raw = holdings(&[("file:a.csv#old", WITHDRAWN), ("file:a.csv#new", 5), ("kafka:t/0", 9)]);
        assert_eq!(plan(&raw, &Holdings::default(), "a.csv", "a.csv", "new", false), Plan::Nothing);
        assert!(matches!(plan(&raw, &Holdings::default(), "a.csv", "a.csv", "old", false), Plan::Refuse { .. }));
        assert_eq!(plan(&raw, &Holdings::default(), "a.csv", "a.csv", "old", true), Plan::Load);
        let step = raw.step("a.csv", "old", 7);
        assert_eq!(step.positions, [("file:a.csv#old".to_owned(), 7), ("file:a.csv#new".to_owned(), WITHDRAWN)]);
        assert_eq!(step.expected[0].1, Some(WITHDRAWN));
        assert!(step.replaces);
    }

    #[test]
    fn names_and_contents_that_clash_are_told() {
        let raw = holdings(&[("file:in/a.csv#one", 5)]);
        let none = Holdings::default();
        assert_eq!(
            plan(&raw, &none, "in/b.csv", "b.csv", "one", true),
            Plan::SameContent { loaded_as: "in/a.csv".to_owned() }
        );
        let Plan::Refuse { reason } = plan(&raw, &none, "other/a.csv", "a.csv", "two", true) else {
            unreachable!("two files of one name")
        };
        assert!(reason.contains("in/a.csv"));
    }
}
