//! CSV after RFC 4180: a header, LF line ends, null as an empty field.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::csv::{Writer, WriterBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use millstream_core::Result;

use super::{RowWriter, cells, write_error};

pub struct Csv<'a> {
    writer: Writer<&'a mut (dyn Write + Send)>,
    schema: SchemaRef,
}

impl<'a> Csv<'a> {
    /// The header is written at once: a result without rows still tells its columns.
    pub fn new(schema: SchemaRef, sink: &'a mut (dyn Write + Send)) -> Result<Self> {
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .map(|field| match field.data_type() {
                flat if !is_shown_as_text(flat) => field.as_ref().clone(),
                _ => Field::new(field.name(), DataType::Utf8, true),
            })
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let mut writer = WriterBuilder::new().with_header(true).build(sink);
        writer.write(&RecordBatch::new_empty(schema.clone())).map_err(write_error)?;
        Ok(Self { writer, schema })
    }
}

/// CSV has no form of its own for these.
fn is_shown_as_text(data_type: &DataType) -> bool {
    data_type.is_nested()
        || matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
        || matches!(data_type, DataType::FixedSizeBinary(_))
}

impl RowWriter for Csv<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
        for column in batch.columns() {
            if is_shown_as_text(column.data_type()) {
                let texts = cells::texts(column, "")?;
                let texts = texts.into_iter().enumerate().map(|(row, text)| column.is_valid(row).then_some(text));
                columns.push(Arc::new(texts.collect::<StringArray>()));
            } else {
                columns.push(column.clone());
            }
        }
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(write_error)?;
        self.writer.write(&batch).map_err(write_error)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.writer.into_inner().flush().map_err(write_error)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{Int32Array, ListArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn written(batch: Option<RecordBatch>, schema: SchemaRef) -> String {
        let mut sink = Vec::new();
        let mut csv = Box::new(Csv::new(schema, &mut sink).unwrap());
        if let Some(batch) = batch {
            csv.write(&batch).unwrap();
        }
        csv.finish().unwrap();
        String::from_utf8(sink).unwrap()
    }

    #[test]
    fn quoting_nulls_and_lists() {
        let name: ArrayRef = Arc::new(StringArray::from(vec![Some("a, \"b\""), None]));
        let number: ArrayRef = Arc::new(Int32Array::from(vec![None, Some(2)]));
        let list: ArrayRef =
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), Some(2)]), None]));
        let batch = RecordBatch::try_from_iter(vec![("name", name), ("number", number), ("list", list)]).unwrap();
        let schema = batch.schema();
        assert_eq!(written(Some(batch), schema.clone()), "name,number,list\n\"a, \"\"b\"\"\",,\"[1, 2]\"\n,2,\n");
        assert_eq!(written(None, schema), "name,number,list\n");
    }
}
