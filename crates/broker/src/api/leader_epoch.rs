//! OffsetForLeaderEpoch: clients ask this to notice truncation, which never happens here (one node, one epoch).

use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use crate::cluster::Cluster;

pub(super) fn serve(cluster: &Cluster, request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let end = cluster.log.partition(&topic.topic, wanted.partition).map(|partition| partition.range().1);
            EpochEndOffset::default()
                .with_partition(wanted.partition)
                .with_error_code(super::code(&end))
                .with_leader_epoch(if end.is_ok() { 0 } else { -1 })
                .with_end_offset(end.unwrap_or(-1))
        });
        let partitions = partitions.collect();
        OffsetForLeaderTopicResult::default().with_topic(topic.topic).with_partitions(partitions)
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}
