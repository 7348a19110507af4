//! Compares two bags of rows in bounded memory.
//!
//! Both sides are read once for tallies: rows are dealt out to buckets by their hash, and of each bucket the count and
//! the sum of hashes are kept. Buckets whose tallies are equal hold the same rows, in whatever order and however often
//! each. Only rows of the others are looked at again, some buckets at a time, so that never more than a named number
//! of hashes is held.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use futures::TryStreamExt;
use millstream_core::Result;
use millstream_core::warehouse::QueryResult;

use super::close::{self, Lone};
use super::fingerprint::{Print, Printer};
use crate::{Cancel, cells};

/// What a comparison may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Rows of each side that are shown.
    pub(super) shown: usize,
    /// Buckets that rows are dealt out to.
    pub(super) buckets: usize,
    /// Hashes of rows that are held at once, of both sides together.
    pub(super) held: u64,
    /// Times that both sides are read again at most. What is left then is not counted.
    pub(super) passes: usize,
}

impl Limits {
    /// The limits of the product: hashes take about 100 MB.
    pub(super) fn showing(shown: usize) -> Self {
        Self { shown, buckets: 4_096, held: 2_000_000, passes: 16 }
    }
}

/// Where a row was found that the other side has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundIn {
    /// In the table as it is stored.
    Stored,
    /// In what was recomputed.
    Recomputed,
}

/// A row that only one side has, or has more often.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DifferentRow {
    /// The values as text; `None` is null.
    pub cells: Vec<Option<String>>,
    /// The side that has it.
    pub found_in: FoundIn,
    /// How many more times that side has it.
    pub times: u64,
}

/// How two bags of rows differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) rows_stored: u64,
    pub(super) rows_recomputed: u64,
    /// Rows that only the stored side has.
    pub(super) extra: u64,
    /// Rows that only the recomputed side has.
    pub(super) missing: u64,
    /// Rows that differ in the last digits of floats only. They are among neither of the above.
    pub(super) close: u64,
    /// Whether `extra` and `missing` are all; otherwise there are at least so many.
    pub(super) is_counted: bool,
    /// Some of the rows.
    pub(super) rows: Vec<DifferentRow>,
}

/// Rows that can be read again and again.
#[async_trait]
pub(super) trait Bag: Send + Sync {
    async fn read(&self) -> Result<QueryResult>;
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    rows: u64,
    sum: u128,
}

/// Compares what is stored with what was recomputed. Both must have the same columns in the same order.
pub(super) async fn compare(
    stored: &dyn Bag,
    recomputed: &dyn Bag,
    limits: Limits,
    cancel: &Cancel,
) -> Result<Comparison> {
    let ours = tallies(stored, limits, cancel).await?;
    let theirs = tallies(recomputed, limits, cancel).await?;
    let total = |tallies: &[Tally]| tallies.iter().map(|tally| tally.rows).sum();
    let mut found = Comparison {
        rows_stored: total(&ours),
        rows_recomputed: total(&theirs),
        is_counted: true,
        ..Comparison::default()
    };
    let mut different: Vec<usize> = (0..limits.buckets).filter(|bucket| ours[*bucket] != theirs[*bucket]).collect();
    let mut passes = 0;
    while !different.is_empty() {
        if passes == limits.passes {
            found.is_counted = false;
            break;
        }
        passes += 1;
        let mut held = 0;
        let fit = different.iter().take_while(|bucket| {
            held += ours[**bucket].rows + theirs[**bucket].rows;
            held <= limits.held
        });
        // One bucket is looked at however large it is.
        let now: Vec<usize> = different.drain(..fit.count().max(1)).collect();
        let mut wanted = vec![false; limits.buckets];
        now.iter().for_each(|bucket| wanted[*bucket] = true);
        Pass { stored, recomputed, limits, cancel, wanted }.run(&mut found).await?;
    }
    found.rows.sort();
    Ok(found)
}

async fn tallies(bag: &dyn Bag, limits: Limits, cancel: &Cancel) -> Result<Vec<Tally>> {
    let mut tallies = vec![Tally::default(); limits.buckets];
    each(bag, cancel, |printer, batch| {
        for print in printer.prints(&batch)?.0 {
            let tally = &mut tallies[bucket(print, limits)];
            tally.rows += 1;
            tally.sum = tally.sum.wrapping_add(print.whole);
        }
        Ok(())
    })
    .await?;
    Ok(tallies)
}

/// Rows that differ only in floats are in the same bucket.
fn bucket(print: Print, limits: Limits) -> usize {
    (print.exact % limits.buckets as u64) as usize
}

/// Hands every batch of a bag to `work`.
async fn each(
    bag: &dyn Bag,
    cancel: &Cancel,
    mut work: impl FnMut(&mut Printer, RecordBatch) -> Result<()>,
) -> Result<()> {
    let mut result = bag.read().await?;
    let mut printer = Printer::new(&result.schema)?;
    while let Some(batch) = cancel.race(result.stream.try_next()).await? {
        work(&mut printer, batch)?;
    }
    Ok(())
}

/// One look at the rows of some buckets.
struct Pass<'a> {
    stored: &'a dyn Bag,
    recomputed: &'a dyn Bag,
    limits: Limits,
    cancel: &'a Cancel,
    wanted: Vec<bool>,
}

impl Pass<'_> {
    async fn run(&self, found: &mut Comparison) -> Result<()> {
        // How many more times the stored side has each row.
        let mut surplus: HashMap<u128, i64> = HashMap::new();
        let mut has_floats = false;
        for (bag, step) in [(self.stored, 1), (self.recomputed, -1)] {
            each(bag, self.cancel, |printer, batch| {
                has_floats |= printer.has_floats();
                for print in printer.prints(&batch)?.0.into_iter().filter(|print| self.wants(*print)) {
                    *surplus.entry(print.whole).or_default() += step;
                }
                Ok(())
            })
            .await?;
            // Rows that are even need no place.
            surplus.retain(|_, times| *times != 0);
        }
        if has_floats && !surplus.is_empty() {
            let ours = self.lone(self.stored, &surplus, 1).await?;
            let theirs = self.lone(self.recomputed, &surplus, -1).await?;
            for (left, right) in close::pairs(ours, theirs) {
                found.close += 1;
                *surplus.entry(left).or_default() -= 1;
                *surplus.entry(right).or_default() += 1;
            }
            surplus.retain(|_, times| *times != 0);
        }
        for times in surplus.values() {
            match u64::try_from(*times) {
                Ok(times) => found.extra += times,
                Err(_) => found.missing += times.unsigned_abs(),
            }
        }
        self.show(self.stored, FoundIn::Stored, &surplus, found).await?;
        self.show(self.recomputed, FoundIn::Recomputed, &surplus, found).await
    }

    fn wants(&self, print: Print) -> bool {
        self.wanted[bucket(print, self.limits)]
    }

    /// The rows that a side has more often than the other, each as often.
    async fn lone(&self, bag: &dyn Bag, surplus: &HashMap<u128, i64>, sign: i64) -> Result<Vec<Lone>> {
        let mut left: HashMap<u128, i64> =
            surplus.iter().map(|(whole, times)| (*whole, times * sign)).filter(|(_, times)| *times > 0).collect();
        let mut lone = Vec::new();
        each(bag, self.cancel, |printer, batch| {
            let (prints, floats) = printer.prints(&batch)?;
            for (row, print) in prints.into_iter().enumerate() {
                let Some(times) = left.get_mut(&print.whole).filter(|times| **times > 0) else { continue };
                *times -= 1;
                lone.push(Lone { exact: print.exact, whole: print.whole, floats: floats.row(row) });
            }
            Ok(())
        })
        .await?;
        Ok(lone)
    }

    /// Adds rows to those that are shown, as long as there is room.
    async fn show(
        &self,
        bag: &dyn Bag,
        found_in: FoundIn,
        surplus: &HashMap<u128, i64>,
        found: &mut Comparison,
    ) -> Result<()> {
        let sign = if found_in == FoundIn::Stored { 1 } else { -1 };
        let mut left: HashMap<u128, i64> =
            surplus.iter().map(|(whole, times)| (*whole, times * sign)).filter(|(_, times)| *times > 0).collect();
        let shown = found.rows.iter().filter(|row| row.found_in == found_in).count();
        let mut room = self.limits.shown.saturating_sub(shown);
        if left.is_empty() || room == 0 {
            return Ok(());
        }
        let mut result = bag.read().await?;
        let mut printer = Printer::new(&result.schema)?;
        while room > 0
            && !left.is_empty()
            && let Some(batch) = self.cancel.race(result.stream.try_next()).await?
        {
            for (row, print) in printer.prints(&batch)?.0.into_iter().enumerate() {
                let Some(times) = left.remove(&print.whole).filter(|_| room > 0) else { continue };
                let text = |column| cells::value(column, row);
                let cells = batch.columns().iter().map(text).collect::<Result<_>>()?;
                found.rows.push(DifferentRow { cells, found_in, times: times.unsigned_abs() });
                room -= 1;
            }
        }
        Ok(())
    }
}
