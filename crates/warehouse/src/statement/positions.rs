//! A set of rows of one version, by file and row number: one bit for each row up to the last one of a file.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use millstream_core::{Error, Result};

/// Rows by the number of their file in the version's list.
#[derive(Debug, Default)]
pub(super) struct Positions {
    files: BTreeMap<usize, Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    bits: Vec<u64>,
    count: u64,
}

impl Positions {
    /// Whether the row was not in the set before.
    pub(super) fn insert(&mut self, (file, row): (usize, usize)) -> bool {
        let rows = self.files.entry(file).or_default();
        let (word, bit) = (row / 64, 1_u64 << (row % 64));
        if rows.bits.len() <= word {
            rows.bits.resize(word + 1, 0);
        }
        let is_new = rows.bits[word] & bit == 0;
        rows.bits[word] |= bit;
        rows.count += u64::from(is_new);
        is_new
    }

    pub(super) fn contains(&self, (file, row): (usize, usize)) -> bool {
        let word = self.files.get(&file).and_then(|rows| rows.bits.get(row / 64));
        word.is_some_and(|word| word & (1 << (row % 64)) != 0)
    }

    /// Files that hold a row of the set, and how many.
    pub(super) fn files(&self) -> impl Iterator<Item = (usize, u64)> {
        self.files.iter().map(|(file, rows)| (*file, rows.count))
    }

    pub(super) fn len(&self) -> u64 {
        self.files.values().map(|rows| rows.count).sum()
    }
}

/// The positions in the first two columns of a batch.
pub(super) struct Numbers<'a> {
    files: &'a Int32Array,
    rows: &'a Int64Array,
}

impl<'a> Numbers<'a> {
    pub(super) fn of(batch: &'a RecordBatch, file: usize, row: usize) -> Result<Self> {
        let unnumbered = || Error::ours("the rows of a changed table have no numbers");
        Ok(Self {
            files: batch.column(file).as_primitive_opt::<Int32Type>().ok_or_else(unnumbered)?,
            rows: batch.column(row).as_primitive_opt::<Int64Type>().ok_or_else(unnumbered)?,
        })
    }

    /// The position of one row of the batch; none for a row of the source without a partner.
    pub(super) fn at(&self, row: usize) -> Option<(usize, usize)> {
        if self.rows.is_null(row) || self.files.is_null(row) {
            return None;
        }
        Some((usize::try_from(self.files.value(row)).ok()?, usize::try_from(self.rows.value(row)).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_once() {
        let mut set = Positions::default();
        for row in [0, 63, 64, 1000] {
            assert!(set.insert((2, row)) && !set.insert((2, row)));
        }
        assert!(set.insert((0, 64)));
        assert_eq!(set.files().collect::<Vec<_>>(), [(0, 1), (2, 4)]);
        assert_eq!(set.len(), 5);
        assert!(set.contains((2, 1000)) && !set.contains((2, 1)) && !set.contains((1, 0)) && !set.contains((2, 9999)));
    }
}
