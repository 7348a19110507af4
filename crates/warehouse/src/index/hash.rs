//! Keys as numbers.
//!
//! Guarantees: equal keys (a null equals a null) have equal numbers, in every process and on every machine; text is the
//! same key however it is held in memory.
//!
//! Deliberately absent: floats and nested types, whose equality in a join is not that of their bytes.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use millstream_core::{Error, Result};
use sha2::{Digest, Sha256};
use twox_hash::XxHash64;

const SEED: u64 = 0x6d69_6c6c_7374_7265;

/// A number that stands for a key.
pub(super) trait Number: Copy + Ord + Send + 'static {
    /// Of the bytes of a row.
    fn of(row: &[u8]) -> Self;
}

/// Enough to leave files alone: whoever finds a key looks at the rows as well.
impl Number for u64 {
    fn of(row: &[u8]) -> Self {
        XxHash64::oneshot(SEED, row)
    }
}

/// Enough to stand for the key itself: half of a SHA-256, of which nobody can make two alike.
impl Number for u128 {
    fn of(row: &[u8]) -> Self {
        Sha256::digest(row).iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
    }
}

/// Numbers of some keys.
#[derive(Debug, Clone)]
pub(crate) struct KeySet {
    /// Types of the key's columns, see [`canonical`].
    pub(super) kinds: Vec<DataType>,
    /// Sorted, each once.
    pub(super) hashes: Arc<Vec<u64>>,
}

impl KeySet {
    /// Of the rows of some batches; `None` when keys of such types cannot be looked up.
    pub(crate) fn of<'a>(kinds: &[DataType], batches: impl Iterator<Item = &'a [ArrayRef]>) -> Result<Option<Self>> {
        let kinds: Vec<DataType> = kinds.iter().map(canonical).collect();
        if !can_hash(&kinds) {
            return Ok(None);
        }
        let mut hasher = Hasher::new(&kinds)?;
        let mut hashes: Vec<u64> = Vec::new();
        for columns in batches {
            hasher.add(columns, &mut hashes)?;
        }
        hashes.sort_unstable();
        hashes.dedup();
        Ok(Some(Self { kinds, hashes: Arc::new(hashes) }))
    }
}

impl KeySet {
    /// How many different keys there are, told by their numbers.
    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }
}

/// The type in which values are hashed.
pub(super) fn canonical(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, value) => canonical(value),
        other => other.clone(),
    }
}

/// Whether keys of these types can be looked up.
pub(super) fn can_hash(kinds: &[DataType]) -> bool {
    let is_plain = |kind: &DataType| {
        kind.is_integer()
            || kind.is_temporal()
            || matches!(
                kind,
                DataType::Boolean
                    | DataType::Utf8
                    | DataType::Binary
                    | DataType::Decimal128(..)
                    | DataType::Decimal256(..)
            )
    };
    !kinds.is_empty() && kinds.iter().all(is_plain)
}

/// Hashes rows of columns.
pub(super) struct Hasher {
    converter: RowConverter,
    kinds: Vec<DataType>,
}

impl Hasher {
    pub(super) fn new(kinds: &[DataType]) -> Result<Self> {
        let fields = kinds.iter().cloned().map(SortField::new).collect();
        let converter = RowConverter::new(fields).map_err(|error| failed(&error))?;
        Ok(Self { converter, kinds: kinds.to_vec() })
    }

    /// Appends the number of each row.
    pub(super) fn add<N: Number>(&mut self, columns: &[ArrayRef], hashes: &mut Vec<N>) -> Result<()> {
        let columns = columns
            .iter()
            .zip(&self.kinds)
            .map(|(column, kind)| cast(column, kind))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|error| failed(&error))?;
        let rows = self.converter.convert_columns(&columns).map_err(|error| failed(&error))?;
        hashes.extend(rows.iter().map(|row| N::of(row.as_ref())));
        Ok(())
    }
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::ours("keys cannot be looked up").why(error)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int64Array, StringArray, StringViewArray};

    fn set(columns: &[ArrayRef]) -> KeySet {
        let kinds: Vec<DataType> = columns.iter().map(|column| column.data_type().clone()).collect();
        KeySet::of(&kinds, std::iter::once(columns)).unwrap().unwrap()
    }

    #[test]
    fn text_is_the_same_key_however_it_is_held_and_nulls_are_keys() {
        let texts = [Some("a"), None, Some("a long text that does not fit into a view"), Some("a")];
        let plain = set(&[Arc::new(StringArray::from(texts.to_vec()))]);
        let views = set(&[Arc::new(StringViewArray::from(texts.to_vec()))]);
        assert_eq!(plain.hashes, views.hashes);
        assert_eq!(plain.hashes.len(), 3);
        assert_eq!(plain.kinds, views.kinds);
    }

    #[test]
    fn numbers_stay_what_they_are_between_versions() {
        // On the disk: another number here means another format, see `build::FORMAT`.
        let keys = set(&[Arc::new(Int64Array::from(vec![7])), Arc::new(StringArray::from(vec!["x"]))]);
        assert_eq!(keys.hashes.as_slice(), [10_949_573_446_964_071_894]);
    }

    #[test]
    fn floats_are_not_looked_up() {
        let column: ArrayRef = Arc::new(Float64Array::from(vec![0.0]));
        assert!(KeySet::of(&[DataType::Float64], std::iter::once([column].as_slice())).unwrap().is_none());
    }
}
