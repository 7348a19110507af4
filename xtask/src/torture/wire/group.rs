//! A member of a consumer group, as another program of the same group would be.

use super::body::Body;
use super::{Wire, good};

/// How long the group waits for a member that does not say anything.
const SESSION_MS: i32 = 6_000;
/// Kafka's codes for a coordinator that is not ready yet.
const NOT_READY: [i16; 3] = [14, 15, 16];

/// A member that has joined.
pub struct Member {
    group: String,
    generation: i32,
    id: String,
}

impl Wire {
    /// Joins a group as a consumer of a topic and takes all of it.
    pub fn join(&mut self, group: &str, topic: &str) -> Result<Member, String> {
        self.find_coordinator(group)?;
        let mut wanted = Body::default();
        wanted.i16(0).i32(1).string(topic).i32(-1);
        let mut body = Body::default();
        body.string(group).i32(SESSION_MS).i32(SESSION_MS).string("").string("consumer");
        body.i32(1).string("range").bytes(&wanted.into_bytes());
        let mut answer = self.call(11, 2, body)?;
        answer.i32()?;
        good(answer.i16()?, "join group")?;
        let (generation, _protocol, _leader, id) =
            (answer.i32()?, answer.string()?, answer.string()?, answer.string()?);
        let member = Member { group: group.to_owned(), generation, id };
        // The only member leads, and gives itself whatever it likes.
        let mut body = member.names();
        body.i32(1).string(&member.id).bytes(&[]);
        let mut answer = self.call(14, 1, body)?;
        answer.i32()?;
        good(answer.i16()?, "sync group")?;
        Ok(member)
    }

    /// Says that a member is alive.
    pub fn heartbeat(&mut self, member: &Member) -> Result<(), String> {
        let mut answer = self.call(12, 1, member.names())?;
        answer.i32()?;
        good(answer.i16()?, "heartbeat")
    }

    /// Leaves the group.
    pub fn leave(&mut self, member: &Member) -> Result<(), String> {
        let mut body = Body::default();
        body.string(&member.group).string(&member.id);
        let mut answer = self.call(13, 1, body)?;
        answer.i32()?;
        good(answer.i16()?, "leave group")
    }

    fn find_coordinator(&mut self, group: &str) -> Result<(), String> {
        for _ in 0..50 {
            let mut body = Body::default();
            body.string(group).i8(0);
            let mut answer = self.call(10, 1, body)?;
            answer.i32()?;
            let code = answer.i16()?;
            if !NOT_READY.contains(&code) {
                return good(code, "find coordinator");
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Err("the group's coordinator does not become ready".to_owned())
    }
}

impl Member {
    fn names(&self) -> Body {
        let mut body = Body::default();
        body.string(&self.group).i32(self.generation).string(&self.id);
        body
    }
}
