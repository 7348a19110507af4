//! Consumer groups: who is in them, and how far they have read.
//!
//! Guarantees: the classic protocol (join, sync, heartbeat, leave) with generations; a member that is silent for longer
//! than its session timeout is put out and the others rebalance; committed offsets are kept, with a data folder also over
//! restarts (members are not: they join again). Deliberately absent: the new protocol of KIP-848, which clients use only
//! when told to.

pub(crate) mod members;
pub(crate) mod offsets;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use millstream_core::Result;
use tokio::sync::oneshot;

use self::members::{Group, Join, Joined, Synced};
use self::offsets::Offsets;
use crate::lock::lock;

/// Most groups.
const MAX_GROUPS: usize = 10_000;

/// All groups of the broker.
#[derive(Debug)]
pub(crate) struct Groups {
    groups: Mutex<BTreeMap<String, Group>>,
    pub(crate) offsets: Offsets,
}

/// What is told of a group to who asks.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) state: &'static str,
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) members: Vec<Described>,
}

/// What is told of a member.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) id: String,
    pub(crate) instance: Option<String>,
    pub(crate) client: String,
    pub(crate) host: String,
    pub(crate) metadata: Bytes,
    pub(crate) assignment: Bytes,
}

impl Groups {
    /// Groups whose offsets are kept in `folder`, if one is given.
    pub(crate) fn open(folder: Option<PathBuf>) -> Result<Self> {
        Ok(Self { groups: Mutex::default(), offsets: Offsets::open(folder)? })
    }

    /// Joins; the answer comes when all members have joined or the others' time is up.
    pub(crate) async fn join(&self, group: &str, join: Join) -> Result<Joined, ResponseError> {
        let answer = {
            let mut groups = lock(&self.groups);
            if groups.len() >= MAX_GROUPS && !groups.contains_key(group) {
                return Err(ResponseError::PolicyViolation);
            }
            groups.entry(group.to_owned()).or_default().join(join, Instant::now())?
        };
        receive(answer).await
    }

    /// Asks for (or, as the leader, brings) the assignment of a generation.
    pub(crate) async fn sync(
        &self,
        group: &str,
        member: &str,
        generation: i32,
        assignments: Vec<(String, Bytes)>,
    ) -> Result<Synced, ResponseError> {
        let answer = self.in_group(group, |group| group.sync(member, generation, assignments, Instant::now()))?;
        receive(answer).await
    }

    /// A sign of life; tells whether the member must join again.
    pub(crate) fn heartbeat(&self, group: &str, member: &str, generation: i32) -> Result<(), ResponseError> {
        self.in_group(group, |group| group.heartbeat(member, generation, Instant::now()))
    }

    /// Takes a member out, by its id or its instance id.
    pub(crate) fn leave(&self, group: &str, member: &str, instance: Option<&str>) -> Result<(), ResponseError> {
        self.in_group(group, |group| group.leave(member, instance, Instant::now()))
    }

    /// Whether a member may commit offsets. Generation -1 is a client that assigns its partitions itself.
    pub(crate) fn may_commit(&self, group: &str, member: &str, generation: i32) -> Result<(), ResponseError> {
        if generation < 0 {
            return Ok(());
        }
        self.in_group(group, |group| group.alive(member, generation, Instant::now()))
    }

    /// Puts out who has been silent for too long and ends rebalances whose time is up.
    pub(crate) fn expire(&self) {
        lock(&self.groups).values_mut().for_each(|group| group.expire(Instant::now()));
    }

    /// Names, states and protocol types of all groups, of those with offsets alone too.
    pub(crate) fn list(&self) -> Vec<(String, &'static str, String)> {
        let groups = lock(&self.groups);
        let mut listed: BTreeMap<String, (&'static str, String)> =
            self.offsets.groups().into_iter().map(|name| (name, ("Empty", "consumer".to_owned()))).collect();
        listed.extend(groups.iter().map(|(name, group)| {
            let description = group.describe();
            (name.clone(), (description.state, description.protocol_type))
        }));
        listed.into_iter().map(|(name, (state, protocol_type))| (name, state, protocol_type)).collect()
    }

    /// What there is to tell of a group.
    pub(crate) fn describe(&self, group: &str) -> Option<Description> {
        if let Some(group) = lock(&self.groups).get(group) {
            return Some(group.describe());
        }
        self.offsets.groups().contains(&group.to_owned()).then(|| Group::default().describe())
    }

    /// Forgets a group that has no members.
    pub(crate) fn delete(&self, group: &str) -> Result<(), ResponseError> {
        let mut groups = lock(&self.groups);
        if groups.get(group).is_some_and(|group| !group.is_empty()) {
            return Err(ResponseError::NonEmptyGroup);
        }
        let known = groups.remove(group).is_some();
        if self.offsets.delete(group)? || known { Ok(()) } else { Err(ResponseError::GroupIdNotFound) }
    }

    fn in_group<T>(
        &self,
        group: &str,
        act: impl FnOnce(&mut Group) -> Result<T, ResponseError>,
    ) -> Result<T, ResponseError> {
        act(lock(&self.groups).get_mut(group).ok_or(ResponseError::UnknownMemberId)?)
    }
}

/// Waits for an answer; a member that was put out meanwhile gets none.
async fn receive<T>(answer: oneshot::Receiver<Result<T, ResponseError>>) -> Result<T, ResponseError> {
    answer.await.unwrap_or(Err(ResponseError::UnknownMemberId))
}
