//! Fetch: reads record batches, waiting for them if need be.

use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use tokio::time::{Instant, timeout_at};

use crate::cluster::Cluster;
use crate::log::partition::Read;

/// Longest wait that a client may ask for.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// Most bytes in an answer, whatever the client asks for; one batch is sent even if it is larger.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

pub(super) async fn serve(cluster: &Cluster, request: FetchRequest) -> FetchResponse {
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).min(MAX_WAIT);
    let deadline = Instant::now() + wait;
    let min_bytes = usize::try_from(request.min_bytes).unwrap_or(0);
    loop {
        let appended = cluster.log.appended.notified();
        tokio::pin!(appended);
        // From here on no append is missed, even one that comes before the wait.
        appended.as_mut().enable();
        let (response, bytes, failed) = read_all(cluster, &request);
        if bytes >= min_bytes || failed || timeout_at(deadline, appended).await.is_err() {
            return response;
        }
    }
}

/// Reads everything that was asked for; also tells how many bytes that is and whether a partition has an error.
fn read_all(cluster: &Cluster, request: &FetchRequest) -> (FetchResponse, usize, bool) {
    let mut left = usize::try_from(request.max_bytes).unwrap_or(0).min(MAX_ANSWER_BYTES);
    let (mut bytes, mut failed) = (0, false);
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            let read = read_one(cluster, &topic.topic, wanted, left, bytes == 0);
            failed |= read.is_err();
            let size = read.as_ref().map_or(0, |read| read.records.len());
            bytes += size;
            left = left.saturating_sub(size);
            partitions.push(answer(wanted.partition, read));
        }
        topics.push(FetchableTopicResponse::default().with_topic(topic.topic.clone()).with_partitions(partitions));
    }
    (FetchResponse::default().with_responses(topics), bytes, failed)
}

fn read_one(
    cluster: &Cluster,
    topic: &str,
    wanted: &FetchPartition,
    left: usize,
    first: bool,
) -> Result<Read, ResponseError> {
    let partition = cluster.log.partition(topic, wanted.partition)?;
    let max_bytes = usize::try_from(wanted.partition_max_bytes).unwrap_or(0).min(left);
    partition.read(wanted.fetch_offset, max_bytes, first)
}

fn answer(partition: i32, read: Result<Read, ResponseError>) -> PartitionData {
    let code = super::code(&read);
    let read = read.unwrap_or_else(|_| Read { start: -1, end: -1, ..Read::default() });
    PartitionData::default()
        .with_partition_index(partition)
        .with_error_code(code)
        .with_high_watermark(read.end)
        .with_last_stable_offset(read.end)
        .with_log_start_offset(read.start)
        .with_aborted_transactions(None)
        .with_records(Some(read.records))
}
