//! Requests and answers as bytes, and which versions of which requests are served.
//!
//! The codec is the `kafka-protocol` crate, generated from Kafka's own message definitions. An answer never claims more
//! than is true: a request that is not in the table is not offered, and a client that sends it all the same is hung up on,
//! as Kafka does.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

/// Oldest and newest version that is served. The newest are those before topic ids replace names and before groups of
/// KIP-848; every client since Kafka 2.1 knows them.
pub(crate) const SERVED: [(ApiKey, i16, i16); 25] = [
    (ApiKey::Produce, 3, 9),
    (ApiKey::Fetch, 4, 12),
    (ApiKey::ListOffsets, 1, 7),
    (ApiKey::Metadata, 0, 9),
    (ApiKey::OffsetCommit, 2, 8),
    (ApiKey::OffsetFetch, 1, 7),
    (ApiKey::FindCoordinator, 0, 3),
    (ApiKey::JoinGroup, 0, 9),
    (ApiKey::Heartbeat, 0, 4),
    (ApiKey::LeaveGroup, 0, 5),
    (ApiKey::SyncGroup, 0, 5),
    (ApiKey::DescribeGroups, 0, 5),
    (ApiKey::ListGroups, 0, 4),
    (ApiKey::ApiVersions, 0, 3),
    (ApiKey::CreateTopics, 2, 6),
    (ApiKey::DeleteTopics, 1, 5),
    (ApiKey::DeleteRecords, 0, 2),
    (ApiKey::InitProducerId, 0, 4),
    (ApiKey::OffsetForLeaderEpoch, 2, 4),
    (ApiKey::DescribeConfigs, 1, 4),
    (ApiKey::CreatePartitions, 0, 3),
    (ApiKey::DeleteGroups, 0, 2),
    (ApiKey::DescribeCluster, 0, 1),
    (ApiKey::SaslHandshake, 0, 1),
    (ApiKey::DescribeAcls, 1, 3),
];

/// Why a connection is closed without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HangUp {
    /// The bytes are no request.
    Malformed,
    /// The request is not served in this version.
    NotServed,
    /// An answer could not be put into bytes.
    Encoding,
}

/// The header of a request.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) key: ApiKey,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) client: String,
}

impl Head {
    /// Takes the header off a request.
    pub(crate) fn take(request: &mut Bytes) -> Result<Self, HangUp> {
        if request.len() < 8 {
            return Err(HangUp::Malformed);
        }
        let (key, version) = ((&request[..2]).get_i16(), (&request[2..4]).get_i16());
        let key = ApiKey::try_from(key).map_err(|()| HangUp::NotServed)?;
        let served = SERVED.iter().find(|(served, _, _)| *served == key).ok_or(HangUp::NotServed)?;
        // A client that is newer than we are asks for the versions in a version that we may not know: the answer to
        // that says so and goes out in version 0, so only the start of the header is needed.
        if key == ApiKey::ApiVersions && version > served.2 {
            let correlation_id = (&request[4..8]).get_i32();
            return Ok(Self { key, version, correlation_id, client: String::new() });
        }
        if !(served.1..=served.2).contains(&version) {
            return Err(HangUp::NotServed);
        }
        let header =
            RequestHeader::decode(request, key.request_header_version(version)).map_err(|_| HangUp::Malformed)?;
        let client = header.client_id.map(|id| id.to_string()).unwrap_or_default();
        Ok(Self { key, version, correlation_id: header.correlation_id, client })
    }

    /// Takes the body off a request.
    pub(crate) fn body<T: Decodable>(&self, request: &mut Bytes) -> Result<T, HangUp> {
        T::decode(request, self.version).map_err(|_| HangUp::Malformed)
    }

    /// An answer, with its length in front.
    pub(crate) fn answer<T: Encodable + HeaderVersion>(&self, answer: &T) -> Result<BytesMut, HangUp> {
        self.answer_in(self.version, answer)
    }

    /// An answer in another version than the one that was asked for.
    pub(crate) fn answer_in<T: Encodable + HeaderVersion>(&self, version: i16, answer: &T) -> Result<BytesMut, HangUp> {
        let size = answer.compute_size(version).map_err(|_| HangUp::Encoding)?;
        let mut out = BytesMut::with_capacity(size + 16);
        out.put_i32(0);
        let header = ResponseHeader::default().with_correlation_id(self.correlation_id);
        header.encode(&mut out, T::header_version(version)).map_err(|_| HangUp::Encoding)?;
        answer.encode(&mut out, version).map_err(|_| HangUp::Encoding)?;
        let length = i32::try_from(out.len() - 4).map_err(|_| HangUp::Encoding)?;
        out[..4].copy_from_slice(&length.to_be_bytes());
        Ok(out)
    }
}
