//! One file decoded into parts: a reader cuts and hashes, `threads` workers decode and write, nothing is committed.
//!
//! Each worker takes the next chunk when it is free and writes into data files of its own, so that rows are in
//! the order of the file within a part, and which part a row is in depends on timing.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, Int64Array, StringArray};
use millstream_core::warehouse::Load;
use millstream_core::{Error, Result};

use super::chunks::{Chunk, Chunker};
use super::header;
use super::open::{self, Refusal};
use super::worker::Worker;
use crate::blocking::Work;
use crate::broken::Tally;
use crate::contract::{Contract, FileSource};
use crate::quarantine::QuarantineSink;
use crate::sink::{PartSink, Parts};

/// Chunks that wait for a worker, for each of them: enough that none waits, few enough to bound memory.
const QUEUED_CHUNKS_PER_THREAD: usize = 2;

/// What is to be decoded, and where to.
pub(crate) struct Job {
    pub(crate) contract: Contract,
    pub(crate) source: FileSource,
    pub(crate) path: PathBuf,
    pub(crate) unit: String,
    /// The value of `source_file`.
    pub(crate) name: String,
    pub(crate) load_id: String,
    pub(crate) raw: Arc<dyn Load>,
    pub(crate) quarantine: Arc<dyn Load>,
    pub(crate) raw_parts: Parts,
    pub(crate) quarantine_parts: Parts,
    pub(crate) threads: usize,
}

/// A decoded file.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// SHA-256 of the content, in hex.
    pub(crate) hash: String,
    pub(crate) rows_in: u64,
    pub(crate) rows_loaded: u64,
    pub(crate) rows_quarantined: u64,
    pub(crate) broken: Tally,
}

/// A file that cannot be decoded as a whole.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: Refusal,
    /// The content's hash, where it could be read to its end.
    pub(crate) hash: Option<String>,
}

/// SHA-256 of a file's content, in hex.
pub(crate) fn hash(path: &std::path::Path, work: &Work) -> Result<String, Refusal> {
    let content = open::open(path, work)?;
    Chunker::new(content, b',').finish().map_err(|error| unreadable(&error))
}

/// Decodes a file. Finished parts are in the job's lists also when this fails.
pub(crate) fn decode(job: &Job, work: &Work) -> Result<Result<Decoded, Refused>> {
    let content = match open::open(&job.path, work) {
        Ok(content) => content,
        Err(reason) => return Ok(Err(Refused { reason, hash: None })),
    };
    let mut chunker = Chunker::new(content, job.source.delimiter);
    let header = match chunker.header() {
        Ok(header) => header,
        Err(error) => return Ok(Err(Refused { reason: unreadable(&error), hash: None })),
    };
    let places = match header::places(header.as_ref(), job.contract.columns(), &job.source) {
        Ok(places) => places,
        Err(reason) => return Ok(Err(Refused { reason, hash: chunker.finish().ok() })),
    };
    let layout = chunker.layout();
    let worker = || -> Worker<'_> {
        let raw = PartSink::new(job.raw.clone(), job.raw_parts.clone());
        let quarantine = PartSink::new(job.quarantine.clone(), job.quarantine_parts.clone());
        Worker::new(job, layout, &places, raw, QuarantineSink::new(quarantine, job.load_id.clone()))
    };
    let threads = job.threads.max(1);
    let (chunks_in, chunks_out) = sync_channel::<Chunk>(threads * QUEUED_CHUNKS_PER_THREAD);
    let (spares_in, spares_out) = channel::<Vec<u8>>();
    let chunks_out = Arc::new(Mutex::new(chunks_out));
    let (read, worked) = std::thread::scope(|scope| {
        let worker = &worker;
        let handles: Vec<_> = (0..threads)
            .map(|_| {
                // The workers own the receiver together, so that the reader sees when all of them have failed.
                let (chunks, spares) = (chunks_out.clone(), spares_in.clone());
                scope.spawn(move || run(worker(), &chunks, &spares, work))
            })
            .collect();
        drop((chunks_out, spares_in));
        let read = feed(&mut chunker, chunks_in, &spares_out);
        let worked: Vec<Result<Done>> = handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|_| Err(Error::ours("a decoding thread panicked"))))
            .collect();
        (read, worked)
    });
    let mut all = Done::default();
    for done in worked {
        all.add(done?);
    }
    if let Err(error) = read {
        return Ok(Err(Refused { reason: unreadable(&error), hash: None }));
    }
    let hash = match chunker.finish() {
        Ok(hash) => hash,
        Err(error) => return Ok(Err(Refused { reason: unreadable(&error), hash: None })),
    };
    if all.rows_in != all.rows_loaded + all.rows_quarantined {
        let message = format!(
            "{}: {} rows in, but {} loaded and {} quarantined",
            job.unit, all.rows_in, all.rows_loaded, all.rows_quarantined
        );
        return Err(Error::ours(message).hint("nothing was committed; please report this"));
    }
    let Done { rows_in, rows_loaded, rows_quarantined, broken } = all;
    Ok(Ok(Decoded { hash, rows_in, rows_loaded, rows_quarantined, broken }))
}

/// What a worker did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Records found.
    pub(crate) rows_in: u64,
    /// Rows given to the raw table's data files.
    pub(crate) rows_loaded: u64,
    /// Rows given to quarantine's.
    pub(crate) rows_quarantined: u64,
    /// The rules they broke.
    pub(crate) broken: Tally,
}

impl Done {
    fn add(&mut self, other: Done) {
        self.rows_in += other.rows_in;
        self.rows_loaded += other.rows_loaded;
        self.rows_quarantined += other.rows_quarantined;
        self.broken.merge(other.broken);
    }
}

/// Gives chunks to the workers until the content ends or all of them have stopped.
fn feed<R: io::Read>(
    chunker: &mut Chunker<R>,
    chunks: SyncSender<Chunk>,
    spares: &Receiver<Vec<u8>>,
) -> io::Result<()> {
    while let Some(chunk) = chunker.next(spares.try_recv().unwrap_or_default())? {
        if chunks.send(chunk).is_err() {
            // Every worker failed; their errors are told when they are joined.
            break;
        }
    }
    Ok(())
}

fn run(mut worker: Worker<'_>, chunks: &Mutex<Receiver<Chunk>>, spares: &Sender<Vec<u8>>, work: &Work) -> Result<Done> {
    loop {
        let next = chunks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        // Data files of work that was given up are not ended: dropped, they remove themselves.
        work.check()?;
        let Ok(chunk) = next else { return worker.finish() };
        worker.chunk(&chunk)?;
        // Nobody takes spares once the reader is done.
        let _ = spares.send(chunk.bytes);
    }
}

fn unreadable(error: &io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the compressed file is cut short".to_owned(),
        _ => format!("the file cannot be read to its end: {error}"),
    }
}

/// The columns that say where each row came from.
pub(crate) fn position_columns(name: &str, lines: Vec<i64>) -> [ArrayRef; 2] {
    let names = StringArray::from_iter_values(std::iter::repeat_n(name, lines.len()));
    [Arc::new(names), Arc::new(Int64Array::from(lines))]
}
