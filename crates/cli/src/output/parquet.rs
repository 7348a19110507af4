//! Parquet with zstd, as the reader's own tools expect it.

use std::io::Write;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millstream_core::Result;

use super::{RowWriter, write_error};

pub struct Parquet<'a>(ArrowWriter<&'a mut (dyn Write + Send)>);

impl<'a> Parquet<'a> {
    pub fn new(schema: SchemaRef, sink: &'a mut (dyn Write + Send)) -> Result<Self> {
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        Ok(Self(ArrowWriter::try_new(sink, schema, Some(properties)).map_err(write_error)?))
    }
}

impl RowWriter for Parquet<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.0.write(batch).map_err(write_error)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.close().map_err(write_error)?;
        Ok(())
    }
}
