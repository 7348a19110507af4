//! The first row of each key by an order, while rows come in batches.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{SortOptions, filter_record_batch, interleave_record_batch};
use arrow::datatypes::{BinaryViewType, DataType, StringViewType};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryReservation;

use crate::engine::hashing::{Identity, NONE};

/// Rows that are kept although a better one of their key is known, before what is kept is compacted.
const STALE_ROWS_MAX: usize = 128 * 1024;

/// Rows of a batch that is handed out.
const OUTPUT_ROWS: usize = 8192;

/// Keeps the first row of each key. What it keeps is accounted for in the memory pool.
pub(super) struct Best {
    key_rows: RowConverter,
    order_rows: Option<RowConverter>,
    /// Hash of a key → last group with this hash.
    heads: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    /// Group → next group with the same hash.
    next: Vec<u32>,
    keys: Rows,
    orders: Vec<Box<[u8]>>,
    order_bytes: usize,
    /// Group → batch and row.
    places: Vec<(usize, usize)>,
    batches: Vec<RecordBatch>,
    batch_bytes: usize,
    stored_rows: usize,
    memory: MemoryReservation,
}

impl Best {
    pub(super) fn new(
        key_types: &[DataType],
        order_types: &[(DataType, SortOptions)],
        memory: MemoryReservation,
    ) -> Result<Self> {
        let key_rows = RowConverter::new(key_types.iter().cloned().map(SortField::new).collect())?;
        let order_rows = match order_types {
            [] => None,
            types => {
                let fields = types.iter().map(|(of, options)| SortField::new_with_options(of.clone(), *options));
                Some(RowConverter::new(fields.collect())?)
            }
        };
        Ok(Self {
            keys: key_rows.empty_rows(0, 0),
            key_rows,
            order_rows,
            heads: HashMap::default(),
            next: Vec::new(),
            orders: Vec::new(),
            order_bytes: 0,
            places: Vec::new(),
            batches: Vec::new(),
            batch_bytes: 0,
            stored_rows: 0,
            memory,
        })
    }

    /// Adds rows with their keys, the values that order them, and the hashes of the keys.
    pub(super) fn add(
        &mut self,
        batch: &RecordBatch,
        keys: &[ArrayRef],
        orders: &[ArrayRef],
        hashes: &[u64],
    ) -> Result<()> {
        let key_rows = self.key_rows.convert_columns(keys)?;
        let order_rows = self.order_rows.as_mut().map(|rows| rows.convert_columns(orders)).transpose()?;
        let at = self.batches.len();
        for (row, hash) in hashes.iter().enumerate() {
            let order = order_rows.as_ref().map_or(&[][..], |rows| rows.row(row).data());
            let head = self.heads.get(hash).copied().unwrap_or(NONE);
            let mut group = head;
            while group != NONE && self.keys.row(group as usize) != key_rows.row(row) {
                group = self.next[group as usize];
            }
            if group == NONE {
                let new = self.places.len();
                self.keys.push(key_rows.row(row));
                self.next.push(head);
                self.heads.insert(*hash, new as u32);
                self.orders.push(order.into());
                self.order_bytes += order.len();
                self.places.push((at, row));
            } else if order < self.orders[group as usize].as_ref() {
                let group = group as usize;
                self.order_bytes = self.order_bytes + order.len() - self.orders[group].len();
                self.orders[group] = order.into();
                self.places[group] = (at, row);
            }
        }
        let own = own_buffers(batch)?;
        self.batch_bytes += bytes_of(&own)?;
        self.stored_rows += own.num_rows();
        self.batches.push(own);
        if self.stored_rows > 2 * self.places.len() + STALE_ROWS_MAX {
            self.compact()?;
        }
        self.memory.try_resize(self.bytes())
    }

    fn bytes(&self) -> usize {
        let group = size_of::<u64>() + 2 * size_of::<u32>() + size_of::<Box<[u8]>>() + size_of::<(usize, usize)>();
        self.batch_bytes + self.order_bytes + self.keys.size() + self.places.capacity() * group
    }

    /// Forgets rows that are not the first of their key any more.
    fn compact(&mut self) -> Result<()> {
        let kept = self.rows(self.places.len())?;
        self.places = (0..self.places.len()).map(|row| (0, row)).collect();
        self.batches = kept;
        self.stored_rows = self.places.len();
        self.batch_bytes = self.batches.iter().map(bytes_of).sum::<Result<usize>>()?;
        Ok(())
    }

    fn rows(&self, at_most: usize) -> Result<Vec<RecordBatch>> {
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        self.places
            .chunks(at_most.max(1))
            .map(|places| own_buffers(&interleave_record_batch(&batches, places)?))
            .collect()
    }

    /// The first row of each key, in batches.
    pub(super) fn finish(self) -> Result<Firsts> {
        Ok(Firsts { batches: self.rows(OUTPUT_ROWS)?.into_iter(), _memory: Some(self.memory) })
    }
}

/// First rows of keys, and the memory that they hold on to.
#[derive(Default)]
pub(super) struct Firsts {
    pub batches: std::vec::IntoIter<RecordBatch>,
    _memory: Option<MemoryReservation>,
}

/// Rows of a batch that a mask chooses.
pub(super) fn chosen(batch: &RecordBatch, mask: &arrow::array::BooleanArray) -> Result<RecordBatch> {
    Ok(filter_record_batch(batch, mask)?)
}

/// Bytes of the rows themselves: buffers may be shared, by columns that were read from disk at once.
fn bytes_of(batch: &RecordBatch) -> Result<usize> {
    let columns = batch.columns().iter().map(|column| Ok(column.to_data().get_slice_memory_size()?));
    columns.sum()
}

/// The batch with buffers of its own: few rows in views would otherwise hold on to all text that was read with them.
fn own_buffers(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8View => std::sync::Arc::new(column.as_byte_view::<StringViewType>().gc()) as ArrayRef,
            DataType::BinaryView => std::sync::Arc::new(column.as_byte_view::<BinaryViewType>().gc()),
            _ => column.clone(),
        })
        .collect();
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}
