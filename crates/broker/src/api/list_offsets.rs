//! ListOffsets: first and next offset of a partition, and the first offset since a time.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use crate::cluster::Cluster;

/// Times that stand for something else.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const NEWEST_TIMESTAMP: i64 = -3;

pub(super) fn serve(cluster: &Cluster, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let found = find(cluster, &topic.name, wanted.partition_index, wanted.timestamp);
            let (offset, timestamp) = *found.as_ref().unwrap_or(&(-1, -1));
            ListOffsetsPartitionResponse::default()
                .with_partition_index(wanted.partition_index)
                .with_error_code(super::code(&found))
                .with_offset(offset)
                .with_timestamp(timestamp)
                .with_leader_epoch(if offset >= 0 { 0 } else { -1 })
        });
        let partitions = partitions.collect();
        ListOffsetsTopicResponse::default().with_name(topic.name).with_partitions(partitions)
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

/// Offset and timestamp; -1 for both when no record is that young.
fn find(cluster: &Cluster, topic: &str, partition: i32, timestamp: i64) -> Result<(i64, i64), ResponseError> {
    let partition = cluster.log.partition(topic, partition)?;
    Ok(match timestamp {
        EARLIEST => (partition.range().0, -1),
        LATEST => (partition.range().1, -1),
        NEWEST_TIMESTAMP => partition.newest().unwrap_or((-1, -1)),
        0.. => partition.since(timestamp).unwrap_or((-1, -1)),
        _ => return Err(ResponseError::InvalidRequest),
    })
}
