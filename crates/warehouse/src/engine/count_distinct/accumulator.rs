//! The counts of all groups, and how partial ones are put together.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::interner::Interner;
use crate::engine::hashing::NONE;

/// Spreads a pair of group and number, both small, over all bits.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, _bytes: &[u8]) {}
    fn write_u64(&mut self, pair: u64) {
        let mixed = pair.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}

type Pairs = HashSet<u64, BuildHasherDefault<Spread>>;

/// Counts distinct values of each group.
pub(super) struct DistinctCounts {
    data_type: DataType,
    values: Interner,
    /// Group in the upper half, number in the lower.
    pairs: Pairs,
    counts: Vec<i64>,
}

impl DistinctCounts {
    pub(super) fn new(data_type: DataType) -> Result<Self> {
        Ok(Self { values: Interner::new(&data_type)?, data_type, pairs: Pairs::default(), counts: Vec::new() })
    }

    fn add(&mut self, group: usize, number: u32) {
        if number != NONE && self.pairs.insert((group as u64) << 32 | u64::from(number)) {
            self.counts[group] += 1;
        }
    }

    /// Takes the counts of the groups that are handed out; the other groups move down.
    fn take(&mut self, emit_to: EmitTo) -> Vec<i64> {
        let taken = emit_to.take_needed(&mut self.counts);
        match emit_to {
            EmitTo::All => self.pairs = Pairs::default(),
            EmitTo::First(groups) => {
                let first = (groups as u64) << 32;
                let mut rest = Pairs::with_capacity_and_hasher(self.pairs.len(), Default::default());
                rest.extend(self.pairs.iter().filter(|pair| **pair >= first).map(|pair| pair - first));
                self.pairs = rest;
            }
        }
        taken
    }
}

impl GroupsAccumulator for DistinctCounts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.counts.resize(total_num_groups, 0);
        let numbers = self.values.numbers(&values[0])?;
        let chosen = |row: usize| opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        for (row, (group, number)) in group_indices.iter().zip(numbers).enumerate() {
            if chosen(row) {
                self.add(*group, number);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(self.take(emit_to))))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = match emit_to {
            EmitTo::All => self.counts.len(),
            EmitTo::First(groups) => groups,
        };
        let lengths = self.counts[..groups].iter().map(|count| *count as usize);
        let offsets = OffsetBuffer::from_lengths(lengths);
        // Numbers in the order of their groups: each goes to the next free place of its group.
        let mut free: Vec<usize> = offsets.iter().map(|offset| *offset as usize).collect();
        let mut numbers = vec![0_u32; free[groups]];
        for pair in &self.pairs {
            let group = (pair >> 32) as usize;
            if group < groups {
                numbers[free[group]] = *pair as u32;
                free[group] += 1;
            }
        }
        let values = self.values.values(numbers.into_iter())?;
        self.take(emit_to);
        let field = Arc::new(Field::new_list_field(self.data_type.clone(), true));
        Ok(vec![Arc::new(ListArray::try_new(field, offsets, values, None)?)])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.counts.resize(total_num_groups, 0);
        let lists = values[0]
            .as_list_opt::<i32>()
            .ok_or_else(|| DataFusionError::Internal("distinct counts are put together from lists".into()))?;
        let offsets = lists.value_offsets();
        let (first, last) = (offsets[0] as usize, offsets[lists.len()] as usize);
        let numbers = self.values.numbers(&lists.values().slice(first, last - first))?;
        for (row, group) in group_indices.iter().enumerate() {
            if lists.is_valid(row) {
                for number in &numbers[offsets[row] as usize - first..offsets[row + 1] as usize - first] {
                    self.add(*group, *number);
                }
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = &values[0];
        let kept = |row: usize| {
            values.is_valid(row) && opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
        };
        let mask: BooleanArray = (0..values.len()).map(|row| Some(kept(row))).collect();
        let offsets = OffsetBuffer::from_lengths((0..values.len()).map(|row| usize::from(mask.value(row))));
        let field = Arc::new(Field::new_list_field(self.data_type.clone(), true));
        let values = arrow::compute::filter(values, &mask)?;
        Ok(vec![Arc::new(ListArray::try_new(field, offsets, values, None)?)])
    }

    fn size(&self) -> usize {
        self.values.size() + self.pairs.capacity() * 9 + self.counts.capacity() * size_of::<i64>()
    }
}
