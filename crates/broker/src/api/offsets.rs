//! OffsetCommit and OffsetFetch.

use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponseTopic};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse, TopicName,
};

use crate::cluster::{Cluster, text};
use crate::group::offsets::Committed;

pub(super) fn commit(cluster: &Cluster, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let offsets = request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            let metadata = partition.committed_metadata.as_ref().map(|text| text.to_string());
            let committed = Committed { offset: partition.committed_offset, metadata };
            (topic.name.to_string(), partition.partition_index, committed)
        })
    });
    let outcome = cluster
        .groups
        .may_commit(&request.group_id, &request.member_id, request.generation_id_or_member_epoch)
        .and_then(|()| cluster.groups.offsets.commit(&request.group_id, offsets.collect()));
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(super::code(&outcome))
        });
        let partitions = partitions.collect();
        OffsetCommitResponseTopic::default().with_name(topic.name).with_partitions(partitions)
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

pub(super) fn fetch(cluster: &Cluster, request: OffsetFetchRequest) -> OffsetFetchResponse {
    let offsets = &cluster.groups.offsets;
    let wanted: Vec<(TopicName, Vec<i32>)> = match request.topics {
        Some(topics) => topics.into_iter().map(|topic| (topic.name, topic.partition_indexes)).collect(),
        // All that the group has committed.
        None => {
            let committed = offsets.committed(&request.group_id).into_iter();
            committed.map(|(topic, partitions)| (text(topic).into(), partitions)).collect()
        }
    };
    let topics = wanted.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|partition| {
            let committed = offsets.fetch(&request.group_id, &name, partition);
            let answer = OffsetFetchResponsePartition::default().with_partition_index(partition);
            match committed {
                Some(committed) => answer
                    .with_committed_offset(committed.offset)
                    .with_committed_leader_epoch(-1)
                    .with_metadata(Some(text(committed.metadata.unwrap_or_default()))),
                None => answer.with_committed_offset(-1).with_committed_leader_epoch(-1).with_metadata(Some(text(""))),
            }
        });
        let partitions = partitions.collect();
        OffsetFetchResponseTopic::default().with_name(name).with_partitions(partitions)
    });
    OffsetFetchResponse::default().with_topics(topics.collect())
}
