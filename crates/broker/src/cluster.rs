//! What all connections share: this one node and what it holds.

use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;

use crate::group::Groups;
use crate::log::Log;

/// The id of the only node.
pub(crate) const NODE: BrokerId = BrokerId(1);
/// The id of the cluster.
pub(crate) const CLUSTER_ID: &str = "millstream";

/// A cluster of one node.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Where clients are told to connect to.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) log: Log,
    pub(crate) groups: Groups,
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// The name that the client gives itself.
    pub(crate) id: String,
    pub(crate) host: String,
}

/// Text for an answer.
pub(crate) fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}
