//! One round of everything, for machines on which something else decides when: `up --once`.

use std::sync::Arc;
use std::time::Instant;

use millstream_core::Result;
use millstream_store::Cause;

use super::event::LiveEvent;
use super::schedule::Scheduler;
use super::shared::Shared;
use super::{RoundSummary, UpRequest, files, prepare, refresher};
use crate::{IngestRequest, IngestSummary, Runner};

/// Sources first, then what is due, then the models that read either.
pub(super) async fn once(
    runner: &Runner,
    request: &UpRequest,
    shared: &Shared,
    scheduler: Arc<Scheduler>,
) -> Result<RoundSummary> {
    let began = Instant::now();
    // Asked to end, a round ends at once: what is not done is done by the next.
    let watch = {
        let (soft, hard) = (shared.soft.clone(), shared.hard.clone());
        tokio::spawn(async move {
            soft.cancelled().await;
            hard.cancel();
        })
    };
    let ingest = ingest(runner, request, shared).await?;
    let schedules_failed = scheduler.once().await?;
    let mut refreshed = Vec::new();
    shared.mark(0..shared.graph.nodes.len());
    let is_prepared = request.cancel.is_cancelled() || prepare::prepare_all(shared).await?.unwrap_or(false);
    if !request.cancel.is_cancelled() {
        // What could not be prepared is held back, with what needs it.
        let due = shared.pending().all(&shared.graph, Instant::now());
        if !due.is_empty() {
            shared.pending().begin(&due);
            refreshed = refresher::carry_out(shared, &due, Cause::Start, None).await?;
        }
        refresher::tell_fresh(shared, began);
    }
    watch.abort();
    Ok(RoundSummary { ingest, is_prepared, refreshed, schedules_failed, cancelled: request.cancel.is_cancelled() })
}

async fn ingest(runner: &Runner, request: &UpRequest, shared: &Shared) -> Result<Option<IngestSummary>> {
    let jobs = runner.jobs_or_none(&request.sources)?;
    if jobs.is_empty() {
        return Ok(None);
    }
    let asked = IngestRequest {
        sources: jobs.iter().map(|job| job.source.unique_id.clone()).collect(),
        skip_gaps: request.skip_gaps,
        cause: Cause::Start,
        cancel: request.cancel.clone(),
        ..IngestRequest::default()
    };
    let summary = runner.ingest(&asked).await?;
    for source in &summary.sources {
        if let Some(job) = jobs.iter().find(|job| crate::ingest::name(job.source) == source.source) {
            files::account(shared, &job.source.unique_id, source);
        }
        match &source.error {
            Some(error) => shared.board.down(&source.source, error.what()),
            None => drop(shared.board.up(&source.source)),
        }
    }
    shared.tell(&LiveEvent::Ingested { summary: &summary });
    Ok(Some(summary))
}
