//! JoinGroup, SyncGroup, Heartbeat and LeaveGroup; DescribeGroups, ListGroups and DeleteGroups.

use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse, HeartbeatRequest,
    HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, ListGroupsRequest,
    ListGroupsResponse, SyncGroupRequest, SyncGroupResponse,
};

use crate::cluster::{Client, Cluster, text};
use crate::group::members::Join;

/// Shortest and longest session timeout, as with Kafka.
const SESSION_TIMEOUT_MS: std::ops::RangeInclusive<i32> = 1_000..=1_800_000;
/// From this version on several members may leave in one request.
const LEAVES_SEVERAL: i16 = 3;
/// From this version on groups are listed with their state.
const LISTS_STATE: i16 = 4;

pub(super) async fn join(cluster: &Cluster, client: &Client, request: JoinGroupRequest) -> JoinGroupResponse {
    let member = request.member_id.clone();
    let millis = |value: i32| Duration::from_millis(u64::try_from(value).unwrap_or(0));
    let rebalance =
        if request.rebalance_timeout_ms > 0 { request.rebalance_timeout_ms } else { request.session_timeout_ms };
    let wish = Join {
        member: request.member_id.to_string(),
        instance: request.group_instance_id.map(|id| id.to_string()),
        client: client.id.clone(),
        host: client.host.clone(),
        session_timeout: millis(request.session_timeout_ms),
        rebalance_timeout: millis(rebalance),
        protocol_type: request.protocol_type.to_string(),
        protocols: request
            .protocols
            .into_iter()
            .map(|protocol| (protocol.name.to_string(), protocol.metadata))
            .collect(),
    };
    let joined = if request.group_id.is_empty() {
        Err(ResponseError::InvalidGroupId)
    } else if !SESSION_TIMEOUT_MS.contains(&request.session_timeout_ms) {
        Err(ResponseError::InvalidSessionTimeout)
    } else {
        cluster.groups.join(&request.group_id, wish).await
    };
    match joined {
        Ok(joined) => JoinGroupResponse::default()
            .with_generation_id(joined.generation)
            .with_protocol_type(Some(text(joined.protocol_type)))
            .with_protocol_name(Some(text(joined.protocol)))
            .with_leader(text(joined.leader))
            .with_member_id(text(joined.member))
            .with_members(
                joined
                    .members
                    .into_iter()
                    .map(|(id, instance, metadata)| {
                        JoinGroupResponseMember::default()
                            .with_member_id(text(id))
                            .with_group_instance_id(instance.map(text))
                            .with_metadata(metadata)
                    })
                    .collect(),
            ),
        Err(error) => JoinGroupResponse::default()
            .with_error_code(error.code())
            .with_generation_id(-1)
            .with_protocol_name(Some(text("")))
            .with_member_id(member),
    }
}

pub(super) async fn sync(cluster: &Cluster, request: SyncGroupRequest) -> SyncGroupResponse {
    let assignments = request.assignments.into_iter().map(|given| (given.member_id.to_string(), given.assignment));
    let assignments = assignments.collect();
    match cluster.groups.sync(&request.group_id, &request.member_id, request.generation_id, assignments).await {
        Ok(synced) => SyncGroupResponse::default()
            .with_protocol_type(Some(text(synced.protocol_type)))
            .with_protocol_name(Some(text(synced.protocol)))
            .with_assignment(synced.assignment),
        Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
    }
}

pub(super) fn heartbeat(cluster: &Cluster, request: &HeartbeatRequest) -> HeartbeatResponse {
    let outcome = cluster.groups.heartbeat(&request.group_id, &request.member_id, request.generation_id);
    HeartbeatResponse::default().with_error_code(super::code(&outcome))
}

pub(super) fn leave(cluster: &Cluster, version: i16, request: LeaveGroupRequest) -> LeaveGroupResponse {
    if version < LEAVES_SEVERAL {
        let outcome = cluster.groups.leave(&request.group_id, &request.member_id, None);
        return LeaveGroupResponse::default().with_error_code(super::code(&outcome));
    }
    let members = request.members.into_iter().map(|member| {
        let outcome = cluster.groups.leave(&request.group_id, &member.member_id, member.group_instance_id.as_deref());
        MemberResponse::default()
            .with_member_id(member.member_id)
            .with_group_instance_id(member.group_instance_id)
            .with_error_code(super::code(&outcome))
    });
    LeaveGroupResponse::default().with_members(members.collect())
}

pub(super) fn describe(cluster: &Cluster, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let groups = request.groups.into_iter().map(|name| {
        let Some(found) = cluster.groups.describe(&name) else {
            return DescribedGroup::default().with_group_id(name).with_group_state(text("Dead"));
        };
        let members = found.members.into_iter().map(|member| {
            DescribedGroupMember::default()
                .with_member_id(text(member.id))
                .with_group_instance_id(member.instance.map(text))
                .with_client_id(text(member.client))
                .with_client_host(text(member.host))
                .with_member_metadata(member.metadata)
                .with_member_assignment(member.assignment)
        });
        DescribedGroup::default()
            .with_group_id(name)
            .with_group_state(text(found.state))
            .with_protocol_type(text(found.protocol_type))
            .with_protocol_data(text(found.protocol))
            .with_members(members.collect())
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

pub(super) fn list(cluster: &Cluster, version: i16, request: &ListGroupsRequest) -> ListGroupsResponse {
    let wanted = |state: &str| {
        request.states_filter.is_empty()
            || request.states_filter.iter().any(|filter| filter.eq_ignore_ascii_case(state))
    };
    let groups = cluster.groups.list().into_iter().filter(|(_, state, _)| wanted(state));
    let groups = groups.map(|(name, state, protocol_type)| {
        let listed = ListedGroup::default().with_group_id(text(name).into()).with_protocol_type(text(protocol_type));
        if version >= LISTS_STATE { listed.with_group_state(text(state)) } else { listed }
    });
    ListGroupsResponse::default().with_groups(groups.collect())
}

pub(super) fn delete(cluster: &Cluster, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let results = request.groups_names.into_iter().map(|name| {
        let deleted = cluster.groups.delete(&name);
        DeletableGroupResult::default().with_group_id(name).with_error_code(super::code(&deleted))
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}
