//! CreateTopics, CreatePartitions and DeleteTopics.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest,
    DeleteTopicsResponse,
};

use crate::cluster::{Cluster, text};
use crate::log::check_name;
use crate::options::DEFAULT_PARTITIONS;

/// From this version on the answer tells what was made.
const TELLS_MORE: i16 = 5;

pub(super) fn create(cluster: &Cluster, version: i16, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let results = request.topics.into_iter().map(|topic| {
        let partitions = match (topic.num_partitions, topic.assignments.len()) {
            (-1, 0) => Some(DEFAULT_PARTITIONS),
            (-1, assigned) => Some(assigned),
            (count, _) => usize::try_from(count).ok(),
        };
        let made = match partitions {
            None => Err(ResponseError::InvalidPartitions),
            Some(_) if topic.replication_factor > 1 => Err(ResponseError::InvalidReplicationFactor),
            Some(_) if request.validate_only => check_name(&topic.name).map(drop),
            Some(partitions) => cluster.log.create(&topic.name, partitions).map(drop),
        };
        let result = CreatableTopicResult::default()
            .with_name(topic.name)
            .with_error_code(super::code(&made))
            .with_error_message(why(&made));
        if version < TELLS_MORE {
            return result;
        }
        result
            .with_num_partitions(partitions.filter(|_| made.is_ok()).map_or(-1, |count| count as i32))
            .with_replication_factor(if made.is_ok() { 1 } else { -1 })
    });
    CreateTopicsResponse::default().with_topics(results.collect())
}

pub(super) fn add_partitions(cluster: &Cluster, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let results = request.topics.into_iter().map(|topic| {
        let grown = match usize::try_from(topic.count) {
            Ok(_) if request.validate_only => Ok(()),
            Ok(count) => cluster.log.add_partitions(&topic.name, count),
            Err(_) => Err(ResponseError::InvalidPartitions),
        };
        CreatePartitionsTopicResult::default()
            .with_name(topic.name)
            .with_error_code(super::code(&grown))
            .with_error_message(why(&grown))
    });
    CreatePartitionsResponse::default().with_results(results.collect())
}

pub(super) fn delete(cluster: &Cluster, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let results = request.topic_names.into_iter().map(|name| {
        let deleted = cluster.log.delete(&name).and_then(|()| cluster.groups.offsets.delete_topic(&name));
        DeletableTopicResult::default().with_name(Some(name)).with_error_code(super::code(&deleted))
    });
    DeleteTopicsResponse::default().with_responses(results.collect())
}

fn why(outcome: &Result<(), ResponseError>) -> Option<kafka_protocol::protocol::StrBytes> {
    outcome.as_ref().err().map(|error| text(error.to_string()))
}
