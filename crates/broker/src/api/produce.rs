//! Produce: appends record batches.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use crate::cluster::Cluster;
use crate::log::batch::Batch;

/// Appends; `None` when the client wants no acknowledgement.
pub(super) fn serve(cluster: &Cluster, request: ProduceRequest) -> Option<ProduceResponse> {
    let transactional = request.transactional_id.is_some();
    let mut responses = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let mut partitions = Vec::with_capacity(topic.partition_data.len());
        for data in topic.partition_data {
            let appended = if transactional {
                Err(ResponseError::TransactionalIdAuthorizationFailed)
            } else {
                append(cluster, &topic.name, data.index, data.records.unwrap_or_default())
            };
            let (base_offset, start) = *appended.as_ref().unwrap_or(&(-1, -1));
            partitions.push(
                PartitionProduceResponse::default()
                    .with_index(data.index)
                    .with_error_code(super::code(&appended))
                    .with_base_offset(base_offset)
                    .with_log_append_time_ms(-1)
                    .with_log_start_offset(start),
            );
        }
        responses.push(TopicProduceResponse::default().with_name(topic.name).with_partition_responses(partitions));
    }
    cluster.log.appended.notify_waiters();
    (request.acks != 0).then(|| ProduceResponse::default().with_responses(responses))
}

/// Appends the batches of one partition; returns the offset of the first record, and of the partition's first.
fn append(cluster: &Cluster, topic: &str, partition: i32, mut records: Bytes) -> Result<(i64, i64), ResponseError> {
    let partition = cluster.log.partition(topic, partition)?;
    let mut batches = Vec::new();
    while !records.is_empty() {
        batches.push(Batch::take(&mut records)?.ok_or(ResponseError::CorruptMessage)?);
    }
    let mut base_offset = None;
    for batch in batches {
        let appended = cluster.log.append(&partition, batch)?;
        base_offset.get_or_insert(appended);
    }
    Ok((base_offset.ok_or(ResponseError::InvalidRecord)?, partition.range().0))
}
