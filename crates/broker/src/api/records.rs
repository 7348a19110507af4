//! DeleteRecords: drops the oldest records of a partition, as retention would.

use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use crate::cluster::Cluster;

pub(super) fn delete(cluster: &Cluster, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let low = cluster
                .log
                .partition(&topic.name, wanted.partition_index)
                .and_then(|partition| cluster.log.delete_before(&partition, wanted.offset));
            DeleteRecordsPartitionResult::default()
                .with_partition_index(wanted.partition_index)
                .with_error_code(super::code(&low))
                .with_low_watermark(low.unwrap_or(-1))
        });
        let partitions = partitions.collect();
        DeleteRecordsTopicResult::default().with_name(topic.name).with_partitions(partitions)
    });
    DeleteRecordsResponse::default().with_topics(topics.collect())
}
