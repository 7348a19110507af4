//! The time of the newest event that a source has, before anything is loaded by this process: models are as fresh after a
//! restart as before it.

use chrono::{DateTime, Utc};
use millstream_core::Result;
use millstream_ingest::contract::SourceKind;
use millstream_ingest::{Contract, newest_message};

use crate::Runner;

/// Of a topic the time of the newest of each partition's last message, as its table says; of files when the last one was
/// loaded. None when nothing was, or nobody knows.
///
/// # Errors
/// The table or the ledger cannot be read.
pub(super) async fn newest(runner: &Runner, contract: &Contract) -> Result<Option<DateTime<Utc>>> {
    if let SourceKind::Kafka(source) = contract.source() {
        let state = runner.warehouse.table_state(contract.table()).await?;
        return Ok(state.and_then(|state| newest_message(&state, &source.topic)));
    }
    runner.store.last_load(contract.table())
}
