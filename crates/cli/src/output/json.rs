//! JSON: an array with one object per line, or an object per line and no array. Nulls are written out.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::json::writer::{JsonFormat, LineDelimited};
use arrow::json::{Writer, WriterBuilder};
use millstream_core::Result;

use super::{RowWriter, write_error};

/// An array whose every object stands on a line of its own, so that it can be read both by line and as a whole.
#[derive(Debug, Default)]
pub struct ArrayByLine;

impl JsonFormat for ArrayByLine {
    fn start_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"[")?)
    }
    fn start_row<W: Write>(&self, writer: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        Ok(writer.write_all(if is_first_row { b"\n" } else { b",\n" })?)
    }
    fn end_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"\n]\n")?)
    }
}

pub struct Json<'a, F: JsonFormat>(Writer<&'a mut (dyn Write + Send), F>);

/// One array.
pub fn array(sink: &mut (dyn Write + Send)) -> Json<'_, ArrayByLine> {
    Json(WriterBuilder::new().with_explicit_nulls(true).build(sink))
}

/// One object per line.
pub fn lines(sink: &mut (dyn Write + Send)) -> Json<'_, LineDelimited> {
    Json(WriterBuilder::new().with_explicit_nulls(true).build(sink))
}

impl<F: JsonFormat> RowWriter for Json<'_, F> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.0.write(batch).map_err(write_error)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.0.finish().map_err(write_error)?;
        self.0.into_inner().flush().map_err(write_error)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal128Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    fn batch() -> RecordBatch {
        let name: ArrayRef = Arc::new(StringArray::from(vec![Some("a\"b"), None]));
        let amount: ArrayRef =
            Arc::new(Decimal128Array::from(vec![Some(10), None]).with_precision_and_scale(18, 2).unwrap());
        let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(0), None]).with_timezone("UTC"));
        RecordBatch::try_from_iter(vec![("name", name), ("amount", amount), ("at", at)]).unwrap()
    }

    #[test]
    fn an_array_is_valid_json_with_or_without_rows() {
        let mut sink: Vec<u8> = Vec::new();
        let mut json = Box::new(array(&mut sink));
        json.write(&batch()).unwrap();
        json.finish().unwrap();
        let text = String::from_utf8(sink).unwrap();
        assert_eq!(
            text,
            "[\n{\"name\":\"a\\\"b\",\"amount\":0.10,\"at\":\"1970-01-01T00:00:00Z\"},\n\
             {\"name\":null,\"amount\":null,\"at\":null}\n]\n"
        );
        let mut sink: Vec<u8> = Vec::new();
        Box::new(array(&mut sink)).finish().unwrap();
        let empty: serde_json::Value = serde_json::from_slice(&sink).unwrap();
        assert_eq!(empty, serde_json::json!([]));
    }

    #[test]
    fn lines_have_no_array_around_them() {
        let mut sink: Vec<u8> = Vec::new();
        let mut json = Box::new(lines(&mut sink));
        json.write(&batch()).unwrap();
        json.finish().unwrap();
        let text = String::from_utf8(sink).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    }
}
