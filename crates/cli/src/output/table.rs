//! The table for people: aligned columns, numbers to the right.
//!
//! Widths come from the first [`LOOK_AHEAD_ROWS`] rows, so that a result of any size streams; a later value that is
//! wider moves the rest of its line and loses nothing. Values are cut only on a terminal, with `…`.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millstream_core::Result;

use super::{RowWriter, cells, write_error};
use crate::talk::style::{BOLD, DIM, paint};

/// Rows that decide how wide columns are.
pub const LOOK_AHEAD_ROWS: usize = 1_000;

/// Columns are not cut below this many characters on a terminal.
const COLUMN_WIDTH_MIN: usize = 8;

/// Space between columns.
const GAP: usize = 2;

/// How a table is to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Characters in a line of the terminal; `None` where nothing may be cut.
    pub width: Option<usize>,
    /// Whether styles may be used.
    pub colour: bool,
}

impl Look {
    /// The look for standard output as it is: its width and colours on a terminal, plain elsewhere.
    pub fn of_terminal() -> Self {
        let terminal = console::Term::stdout();
        if !terminal.is_term() {
            return Self::default();
        }
        let width = terminal.size_checked().map(|(_, columns)| usize::from(columns));
        Self { width, colour: crate::talk::style::is_coloured() }
    }
}

pub struct Table<'a> {
    schema: SchemaRef,
    look: Look,
    sink: &'a mut (dyn Write + Send),
    /// Rows that wait for the widths; `None` once those are known.
    waiting: Option<Vec<Vec<String>>>,
    widths: Vec<usize>,
}

impl<'a> Table<'a> {
    pub fn new(schema: SchemaRef, look: Look, sink: &'a mut (dyn Write + Send)) -> Self {
        let widths = schema.fields().iter().map(|field| console::measure_text_width(field.name())).collect();
        Self { schema, look, sink, waiting: Some(Vec::new()), widths }
    }

    fn rows(&self, batch: &RecordBatch) -> Result<Vec<Vec<String>>> {
        let columns: Vec<Vec<String>> =
            batch.columns().iter().map(|column| cells::texts(column, cells::NULL)).collect::<Result<_>>()?;
        Ok((0..batch.num_rows())
            .map(|row| columns.iter().map(|column| cells::on_one_line(&column[row]).into_owned()).collect())
            .collect())
    }

    /// Fixes the widths, writes the header and the rows that waited for it.
    fn begin(&mut self) -> Result<()> {
        let Some(rows) = self.waiting.take() else { return Ok(()) };
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(console::measure_text_width(cell));
            }
        }
        if let Some(line) = self.look.width {
            fit(&mut self.widths, line);
        }
        let names: Vec<String> =
            self.schema.fields().iter().map(|field| cells::on_one_line(field.name()).into_owned()).collect();
        let rules: Vec<String> = self.widths.iter().map(|width| "-".repeat(*width)).collect();
        self.line(&names, Some(Part::Header))?;
        self.line(&rules, Some(Part::Rule))?;
        for row in &rows {
            self.line(row, None)?;
        }
        Ok(())
    }

    fn line(&mut self, cells: &[String], part: Option<Part>) -> Result<()> {
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(&self.widths).enumerate() {
            let last = column + 1 == cells.len();
            let cell = match self.look.width {
                Some(_) => console::truncate_str(cell, *width, "…"),
                None => cell.into(),
            };
            let space = " ".repeat(width.saturating_sub(console::measure_text_width(&cell)));
            let right = cells::is_right_aligned(self.schema.field(column).data_type());
            let shown = if !self.look.colour {
                cell.into_owned()
            } else {
                match part {
                    Some(Part::Header) => paint(BOLD, cell).to_string(),
                    Some(Part::Rule) => paint(DIM, cell).to_string(),
                    None if cell == cells::NULL => paint(DIM, cell).to_string(),
                    None => cell.into_owned(),
                }
            };
            if right {
                line.push_str(&space);
            }
            line.push_str(&shown);
            if !last {
                if !right {
                    line.push_str(&space);
                }
                line.push_str(&" ".repeat(GAP));
            }
        }
        line.push('\n');
        self.sink.write_all(line.as_bytes()).map_err(write_error)
    }
}

#[derive(Clone, Copy)]
enum Part {
    Header,
    Rule,
}

/// Makes columns narrower until the line fits, always the widest first.
fn fit(widths: &mut [usize], line: usize) {
    loop {
        let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let Some(widest) = widths.iter_mut().max() else { return };
        if total <= line || *widest <= COLUMN_WIDTH_MIN {
            return;
        }
        *widest -= 1;
    }
}

impl RowWriter for Table<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let rows = self.rows(batch)?;
        match &mut self.waiting {
            Some(waiting) => {
                waiting.extend(rows);
                if waiting.len() >= LOOK_AHEAD_ROWS {
                    self.begin()?;
                }
            }
            None => {
                for row in &rows {
                    self.line(row, None)?;
                }
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.begin()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal128Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    fn batch() -> RecordBatch {
        let merchant: ArrayRef = Arc::new(StringArray::from(vec![Some("Torres, Williams and Rowe"), None]));
        let amount: ArrayRef = Arc::new(
            Decimal128Array::from(vec![Some(-91_130), Some(999_999_999_999_999_999)])
                .with_precision_and_scale(18, 2)
                .unwrap(),
        );
        let at: ArrayRef = Arc::new(
            TimestampMicrosecondArray::from(vec![1_749_831_645_000_000, 1_749_831_645_000_001]).with_timezone("UTC"),
        );
        RecordBatch::try_from_iter(vec![("merchant", merchant), ("amount", amount), ("at", at)]).unwrap()
    }

    fn shown(look: Look) -> String {
        let mut sink = Vec::new();
        let mut table = Box::new(Table::new(batch().schema(), look, &mut sink));
        table.write(&batch()).unwrap();
        table.finish().unwrap();
        String::from_utf8(sink).unwrap()
    }

    #[test]
    fn numbers_stand_to_the_right_and_nothing_is_cut_in_a_pipe() {
        assert_eq!(
            shown(Look::default()),
            "merchant                                amount  at\n\
             -------------------------  -------------------  ---------------------------\n\
             Torres, Williams and Rowe              -911.30  2025-06-13T16:20:45Z\n\
             null                       9999999999999999.99  2025-06-13T16:20:45.000001Z\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_columns() {
        let look = Look { width: Some(50), colour: false };
        for line in shown(look).lines() {
            assert!(console::measure_text_width(line) <= 50, "{line}");
        }
        assert!(shown(look).contains('…'));
    }
}
