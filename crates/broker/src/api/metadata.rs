//! Metadata and DescribeCluster: which topics there are, and that this node leads them all.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{DescribeClusterResponse, MetadataRequest, MetadataResponse, TopicName};

use crate::cluster::{CLUSTER_ID, Cluster, NODE, text};
use crate::log::Topic;
use crate::options::DEFAULT_PARTITIONS;

/// In version 0 no topics means all of them; later "all" is null.
const ALL_IS_EMPTY: i16 = 0;
/// Before this version a client could not say whether a topic may be created, and it was.
const MAY_SAY_NO: i16 = 4;

pub(super) fn serve(cluster: &Cluster, version: i16, request: MetadataRequest) -> MetadataResponse {
    let create = request.allow_auto_topic_creation || version < MAY_SAY_NO;
    let topics = match request.topics {
        None => all(cluster),
        Some(topics) if topics.is_empty() && version == ALL_IS_EMPTY => all(cluster),
        Some(topics) => {
            topics.into_iter().filter_map(|topic| topic.name).map(|name| one(cluster, name, create)).collect()
        }
    };
    let broker = MetadataResponseBroker::default()
        .with_node_id(NODE)
        .with_host(text(&*cluster.host))
        .with_port(cluster.port.into());
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(text(CLUSTER_ID)))
        .with_controller_id(NODE)
        .with_topics(topics)
}

fn all(cluster: &Cluster) -> Vec<MetadataResponseTopic> {
    cluster.log.topics().into_iter().map(|(name, topic)| found(text(name).into(), &topic)).collect()
}

fn one(cluster: &Cluster, name: TopicName, create: bool) -> MetadataResponseTopic {
    if let Some(topic) = cluster.log.topic(&name) {
        return found(name, &topic);
    }
    let made = if create {
        cluster.log.create(&name, DEFAULT_PARTITIONS)
    } else {
        Err(ResponseError::UnknownTopicOrPartition)
    };
    match made {
        Ok(topic) => found(name, &topic),
        // Two clients that use it first at the same time.
        Err(ResponseError::TopicAlreadyExists) => one(cluster, name, false),
        Err(error) => MetadataResponseTopic::default().with_error_code(error.code()).with_name(Some(name)),
    }
}

fn found(name: TopicName, topic: &Topic) -> MetadataResponseTopic {
    let partitions = (0..topic.partitions().len() as i32).map(|index| {
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(NODE)
            .with_leader_epoch(0)
            .with_replica_nodes(vec![NODE])
            .with_isr_nodes(vec![NODE])
    });
    MetadataResponseTopic::default().with_name(Some(name)).with_partitions(partitions.collect())
}

pub(super) fn describe_cluster(cluster: &Cluster) -> DescribeClusterResponse {
    let broker = DescribeClusterBroker::default()
        .with_broker_id(NODE)
        .with_host(text(&*cluster.host))
        .with_port(cluster.port.into());
    DescribeClusterResponse::default()
        .with_cluster_id(text(CLUSTER_ID))
        .with_controller_id(NODE)
        .with_brokers(vec![broker])
}
