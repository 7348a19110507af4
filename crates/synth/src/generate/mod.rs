//! `millstream generate`: user registrations and transactions, month by month.
//!
//! Guarantees: users first, then transactions drawn from exactly the users known so far; a month's files depend on seed
//! and options alone, so June is the same whether one month or three are asked for; files stream to disk and appear
//! whole or not at all. Every user file has `users` rows; from the second month on a share of them are users of earlier
//! months who register again (see [`GenerateOptions::changes`]).
//!
//! Deliberately not done: a transaction may precede its user's registration within the month (registrations come from a
//! third party, and in the real files it is the same).

mod csv;
mod faults;
mod options;
mod output;
mod parallel;
mod parquet;
mod sink;
mod transactions;
mod users;

use std::fs;
use std::path::PathBuf;
use std::thread::available_parallelism;

use millstream_core::limits::THREADS_MAX_DEFAULT;
use millstream_core::{Error, Progress, Result};

pub use faults::{FaultKind, Faults};
pub use options::{Format, GenerateOptions, MAX_MONTHS, MAX_TRANSACTIONS, MAX_USERS};

use crate::catalog::{self, Shop};
use crate::month::Month;
use crate::spread::{Spread, sample};
use sink::{Encoded, Sink};
use transactions::{CHUNK_ROWS, Plan};
use users::{Known, Profile};

/// Which of the two files of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `user_registrations_YYYY_MM`.
    Users,
    /// `transactions_YYYY_MM`.
    Transactions,
}

/// One file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Where it is: `out_dir` joined with its name.
    pub path: PathBuf,
    /// Users or transactions.
    pub kind: FileKind,
    /// Data rows in it (without the header; duplicates included).
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// How many faults of one kind were injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultCount {
    /// The kind.
    pub kind: FaultKind,
    /// Number of rows with it; for duplicates, the number of repeats.
    pub rows: u64,
}

/// What was generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateReport {
    /// The files, in the order in which they were written.
    pub files: Vec<GeneratedFile>,
    /// Injected faults by kind, in the order of [`FaultKind::ALL`], zeros included; empty when none were asked for.
    pub faults: Vec<FaultCount>,
}

/// Writes the files of all months. Files of the same names are replaced; `progress` is told when they had other content.
///
/// # Errors
/// Kind `usage` for options out of range, `environment` when a file cannot be written. Files that were finished before
/// the error stay; the unfinished one leaves nothing behind.
pub fn generate(options: &GenerateOptions, progress: &dyn Progress) -> Result<GenerateReport> {
    let months = options.check()?;
    fs::create_dir_all(&options.out_dir).map_err(|error| output::failed(&options.out_dir, error))?;
    let threads = available_parallelism().map_or(1, usize::from).min(THREADS_MAX_DEFAULT);
    let users = (0..months.len()).map(|at| options.users - options.registering_again(at)).sum::<u64>();
    let mut run = Run {
        options,
        progress,
        threads,
        months,
        shops: catalog::shops(),
        known: Vec::with_capacity(users as usize),
        faults: [0; FaultKind::ALL.len()],
    };
    let mut files = Vec::with_capacity(run.months.len() * 2);
    for at in 0..run.months.len() {
        files.push(run.users(at)?);
        files.push(run.transactions(at)?);
    }
    let counts = FaultKind::ALL.into_iter().zip(run.faults).map(|(kind, rows)| FaultCount { kind, rows });
    let faults = if options.faults.is_some() { counts.collect() } else { Vec::new() };
    Ok(GenerateReport { files, faults })
}

struct Run<'a> {
    options: &'a GenerateOptions,
    progress: &'a dyn Progress,
    threads: usize,
    months: Vec<Month>,
    shops: Vec<Shop>,
    /// All users of the months so far, in order of first registration.
    known: Vec<Known>,
    /// In the order of [`FaultKind::ALL`].
    faults: [u64; FaultKind::ALL.len()],
}

impl Run<'_> {
    /// Writes the user file of month number `at` and adds its users to the known ones.
    fn users(&mut self, at: usize) -> Result<GeneratedFile> {
        let (seed, format, month) = (self.options.seed, self.options.format, self.months[at]);
        let again = self.options.registering_again(at);
        let new = self.options.users - again;
        let mut file = self.start(FileKind::Users, month, &csv::USER_COLUMNS, self.options.users)?;
        let make = |chunk: u64| {
            let range = chunk * CHUNK_ROWS..new.min((chunk + 1) * CHUNK_ROWS);
            let profiles: Vec<Profile> = range.map(|index| Profile::new(seed, month, index as u32)).collect();
            Ok((encode_users(format, &profiles)?, profiles))
        };
        let before = self.known.len() as u64;
        let known = &mut self.known;
        parallel::in_order(new.div_ceil(CHUNK_ROWS), self.threads, make, |(encoded, profiles)| {
            let number = known.len() as u64 - before;
            known.extend((number..).zip(&profiles).map(|(index, profile)| profile.known(index as u32, at as u16)));
            file.write(&encoded, profiles.len() as u64, self.progress)
        })?;
        let first_month = self.months[0];
        for picked in sample(seed, month.number(), again, before).chunks(CHUNK_ROWS as usize) {
            let profiles: Option<Vec<Profile>> = picked
                .iter()
                .map(|user| Profile::again(seed, first_month, &mut self.known[*user as usize], month))
                .collect();
            let profiles = profiles.ok_or_else(|| Error::ours("a month of an earlier registration is out of range"))?;
            file.write(&encode_users(format, &profiles)?, profiles.len() as u64, self.progress)?;
        }
        file.publish(self.progress)
    }

    /// Writes the transaction file of month number `at`.
    fn transactions(&mut self, at: usize) -> Result<GeneratedFile> {
        let (options, month) = (self.options, self.months[at]);
        let mut file = self.start(FileKind::Transactions, month, &csv::TRANSACTION_COLUMNS, options.transactions)?;
        let millionths = options.faults.map_or(Ok(0), Faults::millionths)?;
        let plan = Plan {
            seed: options.seed,
            month,
            previous: month.previous().ok_or_else(|| Error::ours("there is no month before the first"))?,
            rows: options.transactions,
            users: &self.known,
            faults: Spread::new(options.seed, month.number(), millionths),
            kinds: FaultKind::of(options.format),
        };
        let make = |number: u64| {
            let chunk = plan.chunk(number);
            let encoded = match options.format {
                Format::Parquet => Encoded::Parquet(parquet::transactions(&chunk.rows, &self.shops)?),
                Format::Csv => {
                    let mut bytes = Vec::with_capacity(chunk.rows.len() * 160);
                    chunk.rows.iter().for_each(|row| csv::transaction(&mut bytes, row, &self.shops));
                    Encoded::Csv(bytes)
                }
            };
            Ok((encoded, chunk.rows.len() as u64, chunk.faults))
        };
        let faults = &mut self.faults;
        parallel::in_order(plan.chunks(), self.threads, make, |(encoded, rows, counts)| {
            faults.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            file.write(&encoded, rows, self.progress)
        })?;
        file.publish(self.progress)
    }

    fn start(&self, kind: FileKind, month: Month, columns: &[&str], total: u64) -> Result<Writing> {
        let stem = match kind {
            FileKind::Users => format!("user_registrations_{month}"),
            FileKind::Transactions => format!("transactions_{month}"),
        };
        self.progress.start(&stem, Some(total), "rows");
        let sink = Sink::create(&self.options.out_dir, &stem, self.options.format, columns)?;
        Ok(Writing { sink, kind, rows: 0 })
    }
}

/// A file under way, and its row count.
struct Writing {
    sink: Sink,
    kind: FileKind,
    rows: u64,
}

impl Writing {
    fn write(&mut self, chunk: &Encoded, rows: u64, progress: &dyn Progress) -> Result<()> {
        self.sink.write(chunk)?;
        self.rows += rows;
        progress.set(self.rows);
        Ok(())
    }

    fn publish(self, progress: &dyn Progress) -> Result<GeneratedFile> {
        let published = self.sink.publish()?;
        progress.finish();
        if published.replaced {
            progress.note(&format!("{} was there with other content and is replaced", published.path.display()));
        }
        Ok(GeneratedFile { path: published.path, kind: self.kind, rows: self.rows, bytes: published.bytes })
    }
}

fn encode_users(format: Format, profiles: &[Profile]) -> Result<Encoded> {
    match format {
        Format::Parquet => parquet::users(profiles).map(Encoded::Parquet),
        Format::Csv => {
            let mut bytes = Vec::with_capacity(profiles.len() * 240);
            profiles.iter().for_each(|profile| csv::user(&mut bytes, profile));
            Ok(Encoded::Csv(bytes))
        }
    }
}
