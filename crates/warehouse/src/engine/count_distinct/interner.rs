//! Numbers for values: equal values get equal numbers.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, StringViewArray};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::error::Result;

use crate::engine::hashing::{Identity, NONE};

/// Values that were seen, each stored once.
pub(super) struct Interner {
    /// Hash of a value → last number with this hash.
    heads: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    /// Number → next number with the same hash.
    next: Vec<u32>,
    store: Store,
    hashes: Vec<u64>,
}

/// Text and bytes as they are; everything else in the engine's comparable row form.
enum Store {
    Bytes { data_type: DataType, bytes: Vec<u8>, ends: Vec<usize> },
    Rows { converter: RowConverter, rows: Rows },
}

impl Interner {
    pub(super) fn new(data_type: &DataType) -> Result<Self> {
        let store = match data_type {
            DataType::Utf8View | DataType::BinaryView => {
                Store::Bytes { data_type: data_type.clone(), bytes: Vec::new(), ends: vec![0] }
            }
            other => {
                let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
                Store::Rows { rows: converter.empty_rows(0, 0), converter }
            }
        };
        Ok(Self { heads: HashMap::default(), next: Vec::new(), store, hashes: Vec::new() })
    }

    /// The numbers of an array's values, [`NONE`] for nulls.
    pub(super) fn numbers(&mut self, array: &ArrayRef) -> Result<Vec<u32>> {
        self.hashes.clear();
        self.hashes.resize(array.len(), 0);
        create_hashes([array], &RandomState::default(), &mut self.hashes)?;
        let mut numbers = Vec::with_capacity(array.len());
        let nulls = array.logical_nulls();
        let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        match &mut self.store {
            Store::Bytes { data_type, bytes, ends } => {
                let text = (*data_type == DataType::Utf8View).then(|| array.as_string_view());
                let binary = (*data_type == DataType::BinaryView).then(|| array.as_binary_view());
                for (row, hash) in self.hashes.iter().enumerate() {
                    if is_null(row) {
                        numbers.push(NONE);
                        continue;
                    }
                    let value = match (text, binary) {
                        (Some(text), _) => text.value(row).as_bytes(),
                        (_, Some(binary)) => binary.value(row),
                        _ => &[],
                    };
                    let head = self.heads.get(hash).copied().unwrap_or(NONE);
                    let mut number = head;
                    while number != NONE && &bytes[ends[number as usize]..ends[number as usize + 1]] != value {
                        number = self.next[number as usize];
                    }
                    if number == NONE {
                        number = self.next.len() as u32;
                        self.heads.insert(*hash, number);
                        self.next.push(head);
                        bytes.extend_from_slice(value);
                        ends.push(bytes.len());
                    }
                    numbers.push(number);
                }
            }
            Store::Rows { converter, rows } => {
                let values = converter.convert_columns(std::slice::from_ref(array))?;
                for (row, hash) in self.hashes.iter().enumerate() {
                    if is_null(row) {
                        numbers.push(NONE);
                        continue;
                    }
                    let head = self.heads.get(hash).copied().unwrap_or(NONE);
                    let mut number = head;
                    while number != NONE && rows.row(number as usize) != values.row(row) {
                        number = self.next[number as usize];
                    }
                    if number == NONE {
                        number = self.next.len() as u32;
                        self.heads.insert(*hash, number);
                        self.next.push(head);
                        rows.push(values.row(row));
                    }
                    numbers.push(number);
                }
            }
        }
        Ok(numbers)
    }

    /// The values of numbers.
    pub(super) fn values(&self, numbers: impl Iterator<Item = u32>) -> Result<ArrayRef> {
        match &self.store {
            Store::Bytes { data_type, bytes, ends } => {
                let value = |number: u32| &bytes[ends[number as usize]..ends[number as usize + 1]];
                if *data_type == DataType::BinaryView {
                    return Ok(Arc::new(BinaryViewArray::from_iter_values(numbers.map(value))));
                }
                let text = numbers.map(|number| std::str::from_utf8(value(number)));
                let text = text.collect::<std::result::Result<Vec<&str>, _>>();
                let text = text.map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?;
                Ok(Arc::new(StringViewArray::from_iter_values(text)))
            }
            Store::Rows { converter, rows } => {
                let mut columns = converter.convert_rows(numbers.map(|number| rows.row(number as usize)))?;
                columns
                    .pop()
                    .ok_or_else(|| datafusion::error::DataFusionError::Internal("one column was interned".into()))
            }
        }
    }

    /// Bytes that it takes.
    pub(super) fn size(&self) -> usize {
        let store = match &self.store {
            Store::Bytes { bytes, ends, .. } => bytes.capacity() + ends.capacity() * size_of::<usize>(),
            Store::Rows { rows, .. } => rows.size(),
        };
        store + self.heads.capacity() * 16 + self.next.capacity() * size_of::<u32>()
    }
}
