//! Which tables a plan reads, and how far the model has consumed each of them.
//!
//! Guarantees: what was consumed is read from the model's own commits, as positions beside its rows:
//! `refresh:<schema>.<table>` → the table's version, `refresh-id:<schema>.<table>` → which table of that name it was,
//! `refresh-plan` → which query, `refresh-version` → the commit that wrote them. If anyone else has written to the
//! model since, none of them counts.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};
use millstream_core::{Error, Result, TableName};
use sha2::{Digest, Sha256};

use super::reason::Reason;
use crate::engine::{FileTable, Series, Version};
use crate::error::from_engine;
use crate::log::Snapshot;
use crate::log::changes::{self, FileChanges};

const VERSION: &str = "refresh:";
const ID: &str = "refresh-id:";
const PLAN: &str = "refresh-plan";
/// Position that holds the version which a refresh's commit made.
pub(crate) const OWN: &str = "refresh-version";

/// Changes when a refresh by an earlier program could differ from one by this program.
const FORMAT: &str = "1";

/// One table that the plan reads.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub name: TableName,
    pub snapshot: Arc<Snapshot>,
    /// The version that was consumed, and what came and went since.
    pub since: Option<(u64, FileChanges)>,
}

impl Source {
    /// The table as it was before some files came and went, as long as that version can be read.
    pub(super) fn before(&self, from: u64, files: &FileChanges) -> Result<Option<Arc<Snapshot>>> {
        let now = &self.snapshot;
        if files.is_rearranged {
            // Files of now may hold rows of before and new ones.
            let then = crate::log::load(&now.folder, Some(from))?;
            return Ok(then.filter(changes::are_there).map(Arc::new));
        }
        let came: HashSet<&str> = files.added.iter().map(|file| file.add.path.as_str()).collect();
        let kept = now.files.iter().filter(|file| !came.contains(file.add.path.as_str()));
        let files = kept.chain(&files.removed).cloned().collect();
        Ok(Some(Arc::new(Snapshot::of_files(&now.folder, Arc::new(files), now.engine_schema.clone()))))
    }

    /// Bytes that so many of its rows take on the disk.
    pub(super) fn bytes_of(&self, rows: u64) -> u64 {
        let (size, all) = (super::cost::size(&self.snapshot), self.snapshot.rows().unwrap_or_default());
        if all == 0 { 0 } else { (size as f64 * (rows as f64 / all as f64)) as u64 }
    }
}

/// Everything that a plan reads.
#[derive(Debug)]
pub(super) struct Sources {
    pub all: Vec<Source>,
    /// Which query reads it, see [`fingerprint`].
    pub plan: i64,
    /// Why changes cannot be told, if they cannot.
    pub unknown: Option<Reason>,
    /// Whether the plan holds what was computed from the time of the query, so that it is another one at another time.
    pub is_momentary: bool,
}

impl Sources {
    /// Of a plan for a table whose latest version is `own`.
    pub(super) fn of(plan: &LogicalPlan, own: Option<&Snapshot>) -> Result<Self> {
        let mut found: BTreeMap<TableName, Arc<Snapshot>> = BTreeMap::new();
        let (mut unknown, mut is_momentary) = (None, false);
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                match (version(scan).filter(|version| version.is_published), made(scan)) {
                    (Some(version), _) => drop(found.insert(version.name, version.snapshot)),
                    (None, Some(series)) => is_momentary |= series.is_momentary,
                    (None, None) => {
                        unknown = Some(Reason::new(format!("it reads '{}', which is no table", scan.table_name)));
                    }
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })
        .map_err(from_engine)?;
        let mut sources = Self { all: Vec::new(), plan: fingerprint(plan)?, unknown, is_momentary };
        for (name, snapshot) in found {
            sources.all.push(Source { name, snapshot, since: None });
        }
        let consumed = match own {
            None => Err(Reason::new("there is no table yet")),
            Some(own) => consumed(own, sources.plan),
        };
        match consumed {
            Err(reason) => sources.unknown = Some(reason),
            Ok(positions) => {
                for source in &mut sources.all {
                    match since(source, positions)? {
                        Ok(since) => source.since = Some(since),
                        Err(reason) => sources.unknown = sources.unknown.take().or(Some(reason)),
                    }
                }
            }
        }
        Ok(sources)
    }

    /// Positions that tell the next refresh where this one ended; with [`OWN`] they are whole.
    pub(super) fn positions(&self) -> Vec<(String, i64)> {
        let mut positions = vec![(PLAN.to_owned(), self.plan)];
        for source in &self.all {
            positions.push((format!("{VERSION}{}", source.name), source.snapshot.version as i64));
            positions.push((format!("{ID}{}", source.name), hash(&source.snapshot.metadata.id)));
        }
        positions
    }

    /// Whether nothing has come or gone, and every position stands where it is.
    pub(super) fn are_unmoved(&self) -> bool {
        self.all.iter().all(|source| source.since.as_ref().is_some_and(|(from, _)| *from == source.snapshot.version))
    }
}

/// The table's version that a scan reads.
pub(super) fn origin(scan: &TableScan) -> Option<(TableName, Arc<Snapshot>)> {
    version(scan).map(|version| (version.name, version.snapshot))
}

pub(super) fn version(scan: &TableScan) -> Option<Version> {
    let provider = source_as_provider(&scan.source).ok()?;
    let any: &dyn std::any::Any = provider.as_ref();
    any.downcast_ref::<FileTable>()?.origin().cloned()
}

/// What a table function makes.
pub(super) fn made(scan: &TableScan) -> Option<Series> {
    let provider = source_as_provider(&scan.source).ok()?;
    let any: &dyn std::any::Any = provider.as_ref();
    any.downcast_ref::<Series>().cloned()
}

/// Positions of the model, if they tell how its rows came about.
fn consumed(own: &Snapshot, plan: i64) -> std::result::Result<&BTreeMap<String, i64>, Reason> {
    let positions = own.positions.as_ref();
    let Some(version) = positions.get(OWN).and_then(|version| u64::try_from(*version).ok()) else {
        return Err(Reason::new("the table was not made by a refresh"));
    };
    if version != own.version {
        let untouched = changes::since(own, version).ok().flatten().is_some_and(|changes| changes.is_empty());
        if !untouched {
            return Err(Reason::new("someone else has written to the table since the last refresh"));
        }
    }
    if positions.get(PLAN) != Some(&plan) {
        return Err(Reason::new("the query is not the one of the last refresh"));
    }
    Ok(positions)
}

fn since(
    source: &Source,
    positions: &BTreeMap<String, i64>,
) -> Result<std::result::Result<(u64, FileChanges), Reason>> {
    let name = &source.name;
    let version = positions.get(&format!("{VERSION}{name}")).and_then(|version| u64::try_from(*version).ok());
    let Some(from) = version else {
        return Ok(Err(Reason::new(format!("'{name}' was not read by the last refresh"))));
    };
    let same = positions.get(&format!("{ID}{name}")) == Some(&hash(&source.snapshot.metadata.id));
    if !same || from > source.snapshot.version {
        return Ok(Err(Reason::new(format!("'{name}' was made anew since the last refresh"))));
    }
    let found = changes::since(&source.snapshot, from)
        .map_err(|error: Error| error.context(format!("the changes of '{name}' cannot be read")))?;
    Ok(found.map(|changes| (from, changes)).ok_or_else(|| {
        Reason::new(format!(
            "the changes of '{name}' since version {from} are not available any more, or its columns changed"
        ))
    }))
}

/// Which query it is: its plan with all columns and types, and what a plan's text leaves out.
///
/// # Errors
/// One of ours when the plan cannot be walked through.
pub(super) fn fingerprint(plan: &LogicalPlan) -> Result<i64> {
    Ok(hash(&format!("{FORMAT}\n{}{}", plan.display_indent_schema(), left_out(plan)?)))
}

/// The engine's text of a plan has the first five rows of `values`, and the first ten bytes of a binary literal; of a
/// table function it has no arguments.
fn left_out(plan: &LogicalPlan) -> Result<String> {
    let mut text = String::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Values(values) = node {
            for row in &values.values {
                let row: Vec<String> = row.iter().map(ToString::to_string).collect();
                text.push_str(&format!("\n({})", row.join(", ")));
            }
        }
        if let LogicalPlan::TableScan(scan) = node
            && let Some(series) = made(scan)
        {
            text.push_str(&format!("\n{}", series.text()));
        }
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::Literal(value, _) = part
                    && value.data_type().is_binary()
                {
                    text.push_str(&format!("\n{value:?}"));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })
    .map_err(from_engine)?;
    Ok(text)
}

/// 63 bits of a hash, which positions have room for.
fn hash(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(bytes) & i64::MAX
}
