//! Files of three months: made in one go, arriving one month after the other.

use std::path::{Path, PathBuf};

use millstream_core::{Error, TableName};
use millstream_synth::{FaultKind, Faults, FileKind, Format, GenerateOptions};

use super::{Demo, Step, built, ingested};
use crate::talk::count;

/// Number of months.
pub const MONTHS: u32 = 3;

/// First month.
const YEAR: i32 = 2025;
const FIRST_MONTH: u32 = 6;

/// Share of broken transactions: some work for contracts, deduplication and inferred members.
const FAULT_RATE: f64 = 0.02;

/// Where files arrive, from the project folder.
const INCOMING: &str = "data/incoming";

/// `2025_06`.
fn name(month: u32) -> String {
    format!("{YEAR}_{:02}", FIRST_MONTH + month)
}

fn files(month: u32) -> [String; 2] {
    [format!("user_registrations_{}.csv", name(month)), format!("transactions_{}.csv", name(month))]
}

impl Demo<'_> {
    /// Makes the files of all months, because a later month's users depend on the earlier ones. They wait beside
    /// `data/incoming` until their month comes.
    pub(super) async fn generate(&self) -> Step<()> {
        let incoming = self.folder.path.join(INCOMING);
        if (0..MONTHS).flat_map(files).all(|file| incoming.join(file).exists()) {
            self.say("generate", "the files of all months are in data/incoming already");
            return Ok(());
        }
        let options = GenerateOptions {
            year: YEAR,
            month: FIRST_MONTH,
            months: MONTHS,
            users: self.size.users,
            transactions: self.size.transactions,
            out_dir: self.waiting(),
            seed: self.seed,
            format: Format::Csv,
            faults: Some(Faults { rate: FAULT_RATE }),
            changes: GenerateOptions::DEFAULT_CHANGES,
        };
        let bar = self.context.talk.bar();
        let report = tokio::task::spawn_blocking(move || millstream_synth::generate(&options, &bar))
            .await
            .map_err(|error| Error::ours("the generator ended badly").why(error))??;
        let rows = |kind| report.files.iter().filter(|file| file.kind == kind).map(|file| file.rows).sum();
        let faults: Vec<String> =
            report.faults.iter().map(|fault| format!("{} {}", count(fault.rows), fault_name(fault.kind))).collect();
        self.say(
            "generate",
            &format!(
                "{MONTHS} months: {} registrations, {} transactions (seed {})",
                count(rows(FileKind::Users)),
                count(rows(FileKind::Transactions)),
                self.seed
            ),
        );
        self.say("faults", &format!("injected: {}", faults.join(", ")));
        Ok(())
    }

    /// A month's files arrive and are loaded; then everything is built and tested.
    pub(super) async fn month(&self, month: u32) -> Step<()> {
        // What comes next only ever begins after this month's build, so that it says the build is done.
        let is_behind_us =
            if month + 1 < MONTHS { self.is_loaded(month + 1).await? } else { self.folder.note.sent.is_some() };
        self.arrive(month)?;
        let loaded = ingested(&self.ingest(&["transactions_batch", "users"], None).await?);
        let step = name(month).replace('_', "-");
        if is_behind_us {
            self.say(&step, &format!("{loaded}; built by an earlier run"));
            return Ok(());
        }
        let summary = self.build().await?;
        self.say(&step, &format!("{loaded}; {}", built(&summary)));
        Ok(())
    }

    /// Moves a month's files into `data/incoming`; those that are there stay as they are.
    fn arrive(&self, month: u32) -> Step<()> {
        let incoming = self.folder.path.join(INCOMING);
        for file in files(month) {
            let (from, to) = (self.waiting().join(&file), incoming.join(&file));
            if !to.exists() {
                rename(&from, &to)?;
            }
        }
        if month + 1 == MONTHS {
            // Empty now, or left over from a run that was killed.
            let _ = std::fs::remove_dir_all(self.waiting());
        }
        Ok(())
    }

    fn waiting(&self) -> PathBuf {
        self.folder.path.join("data/.waiting")
    }

    async fn is_loaded(&self, month: u32) -> Step<bool> {
        let project = self.project()?;
        let workspace = self.context.open_workspace(&project.target)?;
        let table = TableName::new("raw", "transactions_batch");
        let Some(state) = workspace.warehouse.table_state(&table).await? else { return Ok(false) };
        let [_, transactions] = files(month);
        let unit = format!("file:{INCOMING}/{transactions}#");
        Ok(state.positions.keys().any(|id| id.starts_with(&unit)))
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::rename(from, to).map_err(|error| {
        Error::environment(format!("{} cannot be moved to {}", from.display(), to.display())).why(error)
    })
}

fn fault_name(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Duplicate => "duplicate",
        FaultKind::Late => "late",
        FaultKind::BadAmount => "bad amount",
        FaultKind::UnknownUser => "unknown user",
        FaultKind::BrokenQuoting => "broken quoting",
    }
}
