//! Writing data files: Parquet straight into the table's folder, under a temporary name until it is whole.

mod part;
mod properties;
mod stream;

pub(crate) use part::{PartFile, is_temporary, remove_parts, through};
pub(crate) use stream::{Output, Written, write_batches, write_plan, write_stream};
