//! The members of one group and the rounds of joining (rebalances) by which they agree on an assignment.
//!
//! Time is handed in, so that tests need not wait.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Described, Description};

/// Most members of a group.
const MAX_MEMBERS: usize = 1_000;

/// A wish to join.
#[derive(Debug, Clone, Default)]
pub(crate) struct Join {
    /// Empty for who is new.
    pub(crate) member: String,
    pub(crate) instance: Option<String>,
    pub(crate) client: String,
    pub(crate) host: String,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) protocol_type: String,
    /// Names and metadata, best first.
    pub(crate) protocols: Vec<(String, Bytes)>,
}

/// The outcome of a round for one member.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) member: String,
    pub(crate) generation: i32,
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) leader: String,
    /// For the leader alone: ids, instance ids and metadata of all.
    pub(crate) members: Vec<(String, Option<String>, Bytes)>,
}

/// An assignment.
#[derive(Debug)]
pub(crate) struct Synced {
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) assignment: Bytes,
}

type Answer<T> = oneshot::Sender<Result<T, ResponseError>>;

#[derive(Debug)]
struct Member {
    join: Join,
    assignment: Bytes,
    seen: Instant,
    joining: Option<Answer<Joined>>,
    syncing: Option<Answer<Synced>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody is in it.
    #[default]
    Empty,
    /// Members are joining; who has not by the deadline is out.
    Joining { deadline: Instant },
    /// The leader works out the assignment.
    Syncing,
    /// Everybody has an assignment.
    Stable,
}

/// One group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    state: State,
    generation: i32,
    protocol: String,
    leader: String,
    members: BTreeMap<String, Member>,
}

impl Group {
    /// Takes up a wish to join; the receiver gets the outcome of the round.
    pub(crate) fn join(
        &mut self,
        mut join: Join,
        now: Instant,
    ) -> Result<oneshot::Receiver<Result<Joined, ResponseError>>, ResponseError> {
        self.check(&join)?;
        // A static member that comes back takes the place that it had.
        if let Some(instance) = &join.instance
            && let Some(id) = self.with_instance(instance)
        {
            if !join.member.is_empty() && join.member != id {
                return Err(ResponseError::FencedInstanceId);
            }
            if join.member.is_empty() {
                self.members.remove(&id);
            }
        }
        let (send, receive) = oneshot::channel();
        if join.member.is_empty() {
            if self.members.len() >= MAX_MEMBERS {
                return Err(ResponseError::GroupMaxSizeReached);
            }
            join.member =
                format!("{}-{}", if join.client.is_empty() { "member" } else { &join.client }, Uuid::new_v4());
        } else {
            let member = self.members.get_mut(&join.member).ok_or(ResponseError::UnknownMemberId)?;
            member.seen = now;
            // A follower that asks again for what it has (its answer was lost) does not disturb the others.
            if self.state == State::Stable && member.join.protocols == join.protocols && self.leader != join.member {
                let id = join.member.clone();
                let _ = send.send(Ok(self.outcome(&id)));
                return Ok(receive);
            }
        }
        let id = join.member.clone();
        let assignment = self.members.remove(&id).map(|member| member.assignment).unwrap_or_default();
        self.members.insert(id, Member { join, assignment, seen: now, joining: Some(send), syncing: None });
        self.rebalance(now);
        Ok(receive)
    }

    /// Whether somebody with these protocols can be in the group.
    fn check(&self, join: &Join) -> Result<(), ResponseError> {
        let others = || self.members.values().filter(|member| member.join.member != join.member);
        let shared = |name: &String| others().all(|member| member.supports(name));
        if join.protocols.is_empty()
            || others().any(|member| member.join.protocol_type != join.protocol_type)
            || !join.protocols.iter().any(|(name, _)| shared(name))
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        Ok(())
    }

    fn with_instance(&self, instance: &str) -> Option<String> {
        self.members
            .values()
            .find(|member| member.join.instance.as_deref() == Some(instance))
            .map(|member| member.join.member.clone())
    }

    /// Starts a round, or goes on with the one under way.
    fn rebalance(&mut self, now: Instant) {
        if !matches!(self.state, State::Joining { .. }) {
            let longest = self.members.values().map(|member| member.join.rebalance_timeout).max();
            self.state = State::Joining { deadline: now + longest.unwrap_or_default() };
            for member in self.members.values_mut() {
                if let Some(answer) = member.syncing.take() {
                    let _ = answer.send(Err(ResponseError::RebalanceInProgress));
                }
            }
        }
        self.finish_if_all_joined(now);
    }

    fn finish_if_all_joined(&mut self, now: Instant) {
        let State::Joining { deadline } = self.state else { return };
        if now >= deadline {
            self.members.retain(|_, member| member.joining.is_some());
        }
        if self.members.is_empty() {
            self.state = State::Empty;
            return;
        }
        if self.members.values().any(|member| member.joining.is_none()) {
            return;
        }
        self.generation += 1;
        self.protocol = self.elect_protocol();
        if !self.members.contains_key(&self.leader) {
            self.leader = self.members.keys().next().cloned().unwrap_or_default();
        }
        self.state = State::Syncing;
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let outcome = self.outcome(&id);
            if let Some(member) = self.members.get_mut(&id) {
                member.seen = now;
                member.assignment = Bytes::new();
                if let Some(answer) = member.joining.take() {
                    let _ = answer.send(Ok(outcome));
                }
            }
        }
    }

    /// The protocol that all support and most like best.
    fn elect_protocol(&self) -> String {
        let mut votes: BTreeMap<&String, usize> = BTreeMap::new();
        for member in self.members.values() {
            let shared = |name: &&String| self.members.values().all(|other| other.supports(name));
            if let Some(name) = member.join.protocols.iter().map(|(name, _)| name).find(shared) {
                *votes.entry(name).or_default() += 1;
            }
        }
        votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    fn outcome(&self, id: &str) -> Joined {
        let all = || {
            let metadata = |member: &Member| member.metadata(&self.protocol);
            self.members.values().map(|m| (m.join.member.clone(), m.join.instance.clone(), metadata(m))).collect()
        };
        Joined {
            member: id.to_owned(),
            generation: self.generation,
            protocol_type: self.protocol_type(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: if id == self.leader { all() } else { Vec::new() },
        }
    }

    fn protocol_type(&self) -> String {
        self.members.values().next().map(|member| member.join.protocol_type.clone()).unwrap_or_default()
    }

    /// Takes up a wish for the assignment; the leader brings everybody's.
    pub(crate) fn sync(
        &mut self,
        id: &str,
        generation: i32,
        assignments: Vec<(String, Bytes)>,
        now: Instant,
    ) -> Result<oneshot::Receiver<Result<Synced, ResponseError>>, ResponseError> {
        self.alive(id, generation, now)?;
        let (send, receive) = oneshot::channel();
        match self.state {
            State::Empty => return Err(ResponseError::UnknownMemberId),
            State::Joining { .. } => return Err(ResponseError::RebalanceInProgress),
            State::Syncing | State::Stable => {}
        }
        if let Some(member) = self.members.get_mut(id) {
            member.syncing = Some(send);
        }
        if self.state == State::Syncing && id == self.leader {
            for (id, assignment) in assignments {
                if let Some(member) = self.members.get_mut(&id) {
                    member.assignment = assignment;
                }
            }
            self.state = State::Stable;
        }
        if self.state == State::Stable {
            let (protocol_type, protocol) = (self.protocol_type(), self.protocol.clone());
            for member in self.members.values_mut() {
                if let Some(answer) = member.syncing.take() {
                    let _ = answer.send(Ok(Synced {
                        protocol_type: protocol_type.clone(),
                        protocol: protocol.clone(),
                        assignment: member.assignment.clone(),
                    }));
                }
            }
        }
        Ok(receive)
    }

    /// Notes a sign of life of a member of this generation.
    pub(crate) fn alive(&mut self, id: &str, generation: i32, now: Instant) -> Result<(), ResponseError> {
        let member = self.members.get_mut(id).ok_or(ResponseError::UnknownMemberId)?;
        member.seen = now;
        if generation == self.generation { Ok(()) } else { Err(ResponseError::IllegalGeneration) }
    }

    /// A sign of life that also asks whether to join again.
    pub(crate) fn heartbeat(&mut self, id: &str, generation: i32, now: Instant) -> Result<(), ResponseError> {
        self.alive(id, generation, now)?;
        if matches!(self.state, State::Joining { .. }) { Err(ResponseError::RebalanceInProgress) } else { Ok(()) }
    }

    /// Takes a member out.
    pub(crate) fn leave(&mut self, id: &str, instance: Option<&str>, now: Instant) -> Result<(), ResponseError> {
        let id = match instance {
            Some(instance) if id.is_empty() => self.with_instance(instance).ok_or(ResponseError::UnknownMemberId)?,
            _ => id.to_owned(),
        };
        self.members.remove(&id).ok_or(ResponseError::UnknownMemberId)?;
        self.rebalance(now);
        Ok(())
    }

    /// Puts out the silent and ends a round whose time is up. Who waits for an answer is not silent.
    pub(crate) fn expire(&mut self, now: Instant) {
        let before = self.members.len();
        self.members.retain(|_, member| member.joining.is_some() || now < member.seen + member.join.session_timeout);
        if self.members.len() < before {
            self.rebalance(now);
        }
        self.finish_if_all_joined(now);
    }

    /// Whether nobody is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// What there is to tell of it.
    pub(crate) fn describe(&self) -> Description {
        let described = |member: &Member| Described {
            id: member.join.member.clone(),
            instance: member.join.instance.clone(),
            client: member.join.client.clone(),
            host: member.join.host.clone(),
            metadata: member.metadata(&self.protocol),
            assignment: member.assignment.clone(),
        };
        Description {
            state: match self.state {
                State::Empty => "Empty",
                State::Joining { .. } => "PreparingRebalance",
                State::Syncing => "CompletingRebalance",
                State::Stable => "Stable",
            },
            protocol_type: if self.is_empty() { "consumer".to_owned() } else { self.protocol_type() },
            protocol: self.protocol.clone(),
            members: self.members.values().map(described).collect(),
        }
    }
}

impl Member {
    fn supports(&self, protocol: &str) -> bool {
        self.join.protocols.iter().any(|(name, _)| name == protocol)
    }

    fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.join.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SESSION: Duration = Duration::from_secs(10);
    const REBALANCE: Duration = Duration::from_secs(30);

    fn wish(member: &str) -> Join {
        Join {
            member: member.to_owned(),
            client: "c".to_owned(),
            session_timeout: SESSION,
            rebalance_timeout: REBALANCE,
            protocol_type: "consumer".to_owned(),
            protocols: vec![("range".to_owned(), Bytes::from_static(b"m")), ("roundrobin".to_owned(), Bytes::new())],
            ..Join::default()
        }
    }

    type Answered<T> = oneshot::Receiver<Result<T, ResponseError>>;

    /// The answer that is there by now.
    fn now<T>(answer: &mut Answered<T>) -> Result<T, ResponseError> {
        answer.try_recv().unwrap()
    }

    /// A stable group of two: leader and follower, with what they were assigned.
    fn pair(start: Instant) -> (Group, String, String) {
        let mut group = Group::default();
        let leader = now(&mut group.join(wish(""), start).unwrap()).unwrap();
        assert_eq!((leader.generation, leader.members.len()), (1, 1));
        let mut second = group.join(wish(""), start).unwrap();
        assert!(second.try_recv().is_err(), "the first has not joined again");
        assert_eq!(group.heartbeat(&leader.member, 1, start), Err(ResponseError::RebalanceInProgress));
        let first = now(&mut group.join(wish(&leader.member), start).unwrap()).unwrap();
        let second = now(&mut second).unwrap();
        assert_eq!((first.generation, second.generation), (2, 2));
        assert_eq!((first.members.len(), second.members.len()), (2, 0));
        let mut waiting = group.sync(&second.member, 2, Vec::new(), start).unwrap();
        assert!(waiting.try_recv().is_err(), "the leader has not assigned");
        let assignments =
            vec![(first.member.clone(), Bytes::from_static(b"1")), (second.member.clone(), Bytes::from_static(b"2"))];
        let mut leads = group.sync(&first.member, 2, assignments, start).unwrap();
        assert_eq!(now(&mut leads).unwrap().assignment, "1");
        assert_eq!(now(&mut waiting).unwrap().assignment, "2");
        assert_eq!(group.describe().state, "Stable");
        (group, first.member, second.member)
    }

    #[test]
    fn two_members_agree() {
        let start = Instant::now();
        let (mut group, first, second) = pair(start);
        assert_eq!(group.heartbeat(&first, 2, start), Ok(()));
        assert_eq!(group.heartbeat(&second, 1, start), Err(ResponseError::IllegalGeneration));
        assert_eq!(group.heartbeat("stranger", 2, start), Err(ResponseError::UnknownMemberId));
    }

    #[test]
    fn the_silent_are_put_out() {
        let start = Instant::now();
        let (mut group, first, second) = pair(start);
        group.heartbeat(&first, 2, start + SESSION / 2).unwrap();
        group.expire(start + SESSION);
        assert_eq!(group.heartbeat(&first, 2, start + SESSION), Err(ResponseError::RebalanceInProgress));
        assert_eq!(group.heartbeat(&second, 2, start + SESSION), Err(ResponseError::UnknownMemberId));
        let alone = now(&mut group.join(wish(&first), start + SESSION).unwrap()).unwrap();
        assert_eq!((alone.generation, alone.members.len()), (3, 1));
    }

    #[test]
    fn a_round_ends_without_who_does_not_come() {
        let start = Instant::now();
        let (mut group, first, second) = pair(start);
        let mut third = group.join(wish(""), start).unwrap();
        let mut again = group.join(wish(&first), start).unwrap();
        // The second lives but does not join.
        for seconds in 1..30 {
            let at = start + Duration::from_secs(seconds);
            assert_eq!(group.heartbeat(&second, 2, at), Err(ResponseError::RebalanceInProgress));
            group.expire(at);
        }
        assert!(third.try_recv().is_err());
        group.expire(start + REBALANCE);
        assert_eq!(now(&mut again).unwrap().members.len(), 2);
        assert_eq!(now(&mut third).unwrap().generation, 3);
        assert_eq!(group.heartbeat(&second, 2, start + REBALANCE), Err(ResponseError::UnknownMemberId));
    }

    #[test]
    fn who_leaves_frees_the_place_and_the_last_leaves_it_empty() {
        let start = Instant::now();
        let (mut group, first, second) = pair(start);
        group.leave(&first, None, start).unwrap();
        assert_eq!(group.leave(&first, None, start), Err(ResponseError::UnknownMemberId));
        let new_leader = now(&mut group.join(wish(&second), start).unwrap()).unwrap();
        assert_eq!((new_leader.leader, new_leader.members.len()), (second.clone(), 1));
        group.leave(&second, None, start).unwrap();
        assert!(group.is_empty());
        assert_eq!(group.describe().state, "Empty");
    }

    #[test]
    fn a_leader_that_dies_before_assigning_does_not_hang_the_others() {
        let start = Instant::now();
        let (mut group, first, second) = pair(start);
        let mut again = [group.join(wish(&first), start).unwrap(), group.join(wish(&second), start).unwrap()];
        again.iter_mut().for_each(|answer| drop(now(answer).unwrap()));
        let mut waiting = group.sync(&second, 3, Vec::new(), start).unwrap();
        group.leave(&first, None, start).unwrap();
        assert_eq!(now(&mut waiting).unwrap_err(), ResponseError::RebalanceInProgress);
    }

    #[test]
    fn who_shares_no_protocol_stays_out() {
        let start = Instant::now();
        let (mut group, ..) = pair(start);
        let other = Join { protocols: vec![("sticky".to_owned(), Bytes::new())], ..wish("") };
        assert_eq!(group.join(other, start).unwrap_err(), ResponseError::InconsistentGroupProtocol);
        let connect = Join { protocol_type: "connect".to_owned(), ..wish("") };
        assert_eq!(group.join(connect, start).unwrap_err(), ResponseError::InconsistentGroupProtocol);
        assert_eq!(group.join(wish("stranger"), start).unwrap_err(), ResponseError::UnknownMemberId);
    }

    #[test]
    fn a_static_member_takes_its_old_place() {
        let start = Instant::now();
        let mut group = Group::default();
        let fixed = |member: &str| Join { instance: Some("one".to_owned()), ..wish(member) };
        let first = now(&mut group.join(fixed(""), start).unwrap()).unwrap();
        let back = now(&mut group.join(fixed(""), start).unwrap()).unwrap();
        assert_ne!(first.member, back.member);
        assert_eq!(group.members.len(), 1);
        assert_eq!(group.join(fixed(&first.member), start).unwrap_err(), ResponseError::FencedInstanceId);
        group.leave("", Some("one"), start).unwrap();
        assert!(group.is_empty());
    }
}
