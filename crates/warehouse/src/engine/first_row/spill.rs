//! First rows of repeated keys that do not fit in memory: on disk, in buckets by the hash of the key, so that each
//! bucket fits when it is its turn.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::spill_file::SpillFile;

/// Buckets, and how many times less memory the rows need then.
const BUCKETS: usize = 64;

/// Bits of a hash that choose the bucket; shards of the search use others.
const BUCKET_SHIFT: u32 = 48;

/// A bucket's file while it is written.
type Open = (Arc<dyn SpillFile>, StreamWriter<BufWriter<File>>);

/// Rows on disk, by bucket. The files go when it is dropped.
#[derive(Default)]
pub(super) struct Spill {
    buckets: Vec<Option<Open>>,
}

impl Spill {
    /// Writes rows whose keys have these hashes.
    pub(super) fn write(&mut self, batch: &RecordBatch, hashes: &[u64], context: &TaskContext) -> Result<()> {
        self.buckets.resize_with(BUCKETS, || None);
        let mut rows = vec![Vec::new(); BUCKETS];
        for (row, hash) in (0_u32..).zip(hashes) {
            rows[(hash >> BUCKET_SHIFT) as usize % BUCKETS].push(row);
        }
        for (bucket, rows) in self.buckets.iter_mut().zip(rows) {
            if rows.is_empty() {
                continue;
            }
            let (_, writer) = match bucket {
                Some(open) => open,
                None => {
                    let file = context.runtime_env().disk_manager.create_tmp_file("first rows of repeated keys")?;
                    let writer = BufWriter::new(File::create(path(&*file)?)?);
                    bucket.insert((file, StreamWriter::try_new(writer, &batch.schema())?))
                }
            };
            writer.write(&take_record_batch(batch, &UInt32Array::from(rows))?)?;
        }
        Ok(())
    }

    /// The buckets, to be read one after the other.
    pub(super) fn read(self) -> Result<Vec<Bucket>> {
        let files = self.buckets.into_iter().flatten().map(|(file, mut writer)| {
            writer.finish()?;
            Ok(Bucket { file })
        });
        files.collect()
    }
}

/// One bucket on disk.
pub(super) struct Bucket {
    file: Arc<dyn SpillFile>,
}

impl Bucket {
    pub(super) fn batches(&self) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
        let reader = StreamReader::try_new(BufReader::new(File::open(path(&*self.file)?)?), None)?;
        Ok(reader.map(|batch| Ok(batch?)))
    }
}

fn path(file: &dyn SpillFile) -> Result<&Path> {
    file.path().ok_or_else(|| DataFusionError::ResourcesExhausted("there is no folder to spill to".into()))
}
