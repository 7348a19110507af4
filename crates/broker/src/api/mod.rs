//! What each request does; one file per request or family of requests.

mod configs;
mod coordinator;
mod fetch;
mod group;
mod leader_epoch;
mod list_offsets;
mod metadata;
mod offsets;
mod produce;
mod producer_id;
mod records;
mod refusals;
mod topics;
mod versions;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;

use crate::cluster::{Client, Cluster};
use crate::wire::{HangUp, Head};

/// Carries out a request; `None` when the client wants no answer.
pub(crate) async fn serve(
    cluster: &Cluster,
    client: &Client,
    head: &Head,
    mut body: Bytes,
) -> Result<Option<BytesMut>, HangUp> {
    let body = &mut body;
    let answer = match head.key {
        ApiKey::ApiVersions => return versions::serve(head).map(Some),
        ApiKey::Produce => match produce::serve(cluster, head.body(body)?) {
            Some(answer) => head.answer(&answer),
            None => return Ok(None),
        },
        ApiKey::Fetch => head.answer(&fetch::serve(cluster, head.body(body)?).await),
        ApiKey::ListOffsets => head.answer(&list_offsets::serve(cluster, head.body(body)?)),
        ApiKey::Metadata => head.answer(&metadata::serve(cluster, head.version, head.body(body)?)),
        ApiKey::DescribeCluster => head.answer(&metadata::describe_cluster(cluster)),
        ApiKey::OffsetCommit => head.answer(&offsets::commit(cluster, head.body(body)?)),
        ApiKey::OffsetFetch => head.answer(&offsets::fetch(cluster, head.body(body)?)),
        ApiKey::OffsetForLeaderEpoch => head.answer(&leader_epoch::serve(cluster, head.body(body)?)),
        ApiKey::FindCoordinator => head.answer(&coordinator::serve(cluster, &head.body(body)?)),
        ApiKey::JoinGroup => head.answer(&group::join(cluster, client, head.body(body)?).await),
        ApiKey::SyncGroup => head.answer(&group::sync(cluster, head.body(body)?).await),
        ApiKey::Heartbeat => head.answer(&group::heartbeat(cluster, &head.body(body)?)),
        ApiKey::LeaveGroup => head.answer(&group::leave(cluster, head.version, head.body(body)?)),
        ApiKey::DescribeGroups => head.answer(&group::describe(cluster, head.body(body)?)),
        ApiKey::ListGroups => head.answer(&group::list(cluster, head.version, &head.body(body)?)),
        ApiKey::DeleteGroups => head.answer(&group::delete(cluster, head.body(body)?)),
        ApiKey::CreateTopics => head.answer(&topics::create(cluster, head.version, head.body(body)?)),
        ApiKey::CreatePartitions => head.answer(&topics::add_partitions(cluster, head.body(body)?)),
        ApiKey::DeleteTopics => head.answer(&topics::delete(cluster, head.body(body)?)),
        ApiKey::DeleteRecords => head.answer(&records::delete(cluster, head.body(body)?)),
        ApiKey::InitProducerId => head.answer(&producer_id::serve(cluster, &head.body(body)?)),
        ApiKey::DescribeConfigs => head.answer(&configs::describe(cluster, head.body(body)?)),
        ApiKey::SaslHandshake => head.answer(&refusals::sasl()),
        ApiKey::DescribeAcls => head.answer(&refusals::acls()),
        _ => return Err(HangUp::NotServed),
    };
    answer.map(Some)
}

/// The code of an outcome: 0 when it went well.
fn code<T>(outcome: &Result<T, kafka_protocol::ResponseError>) -> i16 {
    outcome.as_ref().err().map_or(0, |error| error.code())
}
