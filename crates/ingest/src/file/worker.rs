//! One thread's work on a file: chunks in, raw rows and quarantined records out.

use std::ops::Range;

use memchr::memchr;
use millstream_core::Result;

use super::chunks::Chunk;
use super::decode::{Done, Job, position_columns};
use crate::broken::{Broken, Tally};
use crate::decode::csv::{Damage, Found, Layout, Record, next_record};
use crate::decode::fields::Fields;
use crate::decode::rows;
use crate::quarantine::{Origin, QuarantineSink, Rejected};
use crate::sink::PartSink;

/// The state of one decoding thread.
pub(crate) struct Worker<'a> {
    job: &'a Job,
    layout: Layout,
    places: &'a [usize],
    raw: PartSink,
    quarantine: QuarantineSink,
    fields: Fields,
    records: Vec<Located>,
    damaged: Vec<(Located, Damage)>,
    rows_in: u64,
    rows_loaded: u64,
    broken: Tally,
}

/// A record's place in its chunk, and its line in the file.
#[derive(Debug, Clone)]
struct Located {
    bytes: Range<usize>,
    line: u64,
}

impl<'a> Worker<'a> {
    /// `places[i]` is the place of declared column `i` in each record.
    pub(crate) fn new(
        job: &'a Job,
        layout: Layout,
        places: &'a [usize],
        raw: PartSink,
        quarantine: QuarantineSink,
    ) -> Self {
        let fields = Fields::new(layout.width.unwrap_or_default());
        let (records, damaged, broken) = (Vec::new(), Vec::new(), Tally::default());
        Self { job, layout, places, raw, quarantine, fields, records, damaged, rows_in: 0, rows_loaded: 0, broken }
    }

    /// Decodes a chunk and writes its rows.
    pub(crate) fn chunk(&mut self, chunk: &Chunk) -> Result<()> {
        self.fields.clear();
        self.records.clear();
        self.damaged.clear();
        match chunk.too_long {
            Some(_) => {
                self.rows_in += 1;
                self.damaged.push((Located { bytes: 0..chunk.bytes.len(), line: chunk.line }, Damage::TooLong));
            }
            None => self.scan(chunk),
        }
        let columns = self.job.contract.columns();
        let decoded = rows::decode(columns, self.places, &chunk.bytes, &self.fields)?;
        let lines = self.records.iter().map(|record| i64::try_from(record.line).unwrap_or(i64::MAX)).collect();
        let mut arrays = decoded.arrays;
        arrays.extend(position_columns(&self.job.name, lines));
        let batch = rows::good_rows(&self.job.contract.raw_schema(), arrays, &decoded.broken)?;
        self.rows_loaded += batch.num_rows() as u64;
        self.raw.write(&batch)?;
        self.reject(chunk, &decoded.broken)
    }

    /// Ends the data files.
    pub(crate) fn finish(self) -> Result<Done> {
        self.raw.finish()?;
        let rows_quarantined = self.quarantine.finish()?;
        Ok(Done { rows_in: self.rows_in, rows_loaded: self.rows_loaded, rows_quarantined, broken: self.broken })
    }

    /// Finds the chunk's records.
    fn scan(&mut self, chunk: &Chunk) {
        let input = chunk.bytes.as_slice();
        // Asked once for all records, and of each only where the answer is bad.
        let suspect = memchr(0, input).is_some() || std::str::from_utf8(input).is_err();
        let (mut at, mut line) = (0, chunk.line);
        while at < input.len() {
            let mark = self.fields.mark();
            let Some(Record { bytes, next, lines, found }) =
                next_record(self.layout, input, at, true, &mut self.fields)
            else {
                // A whole input always has a next record.
                break;
            };
            let found = match found {
                Found::Values if suspect => {
                    let found = unfit(&input[bytes.clone()]).map_or(Found::Values, Found::Damaged);
                    if found != Found::Values {
                        self.fields.truncate(mark);
                    }
                    found
                }
                found => found,
            };
            match found {
                Found::Blank => {}
                Found::Values => self.records.push(Located { bytes, line }),
                Found::Damaged(damage) => self.damaged.push((Located { bytes, line }, damage)),
            }
            (at, line) = (next, line + lines);
        }
        self.rows_in += (self.records.len() + self.damaged.len()) as u64;
    }

    /// Sends damaged records, and those that broke a rule, to quarantine, in the order of the file.
    fn reject(&mut self, chunk: &Chunk, broken: &[Broken]) -> Result<()> {
        let mut damaged = std::mem::take(&mut self.damaged).into_iter().peekable();
        let width = self.layout.width.unwrap_or_default();
        for rules in broken.chunk_by(|a, b| a.row == b.row) {
            let record = self.records[rules[0].row].clone();
            while let Some((record, damage)) = damaged.next_if(|(other, _)| other.line < record.line) {
                self.reject_one(chunk, &record, &[(damage.rule(), None, damage.message(width))])?;
            }
            let rules: Vec<_> = rules.iter().map(|rule| (rule.rule, rule.column, rule.message.clone())).collect();
            self.reject_one(chunk, &record, &rules)?;
        }
        for (record, damage) in damaged {
            self.reject_one(chunk, &record, &[(damage.rule(), None, damage.message(width))])?;
        }
        Ok(())
    }

    fn reject_one(
        &mut self,
        chunk: &Chunk,
        record: &Located,
        rules: &[(&'static str, Option<usize>, String)],
    ) -> Result<()> {
        let line = record.line;
        for (rule, column, message) in rules {
            self.broken.add(rule, *column, line, || format!("line {line}: {message}"));
        }
        let raw = &chunk.bytes[record.bytes.clone()];
        let rejected = Rejected {
            unit: &self.job.unit,
            origin: Origin::File { line, byte_offset: chunk.offset + record.bytes.start as u64 },
            raw: Some(raw),
            raw_length: chunk.too_long.unwrap_or(raw.len() as u64),
        };
        self.quarantine.push(rejected, rules.iter().map(|(rule, _, message)| (*rule, message.as_str())))
    }
}

/// Why a record's bytes cannot be text of a database.
fn unfit(record: &[u8]) -> Option<Damage> {
    if std::str::from_utf8(record).is_err() {
        return Some(Damage::Encoding);
    }
    memchr(0, record).map(|_| Damage::NulByte)
}
