//! FindCoordinator: this node coordinates all groups, and no transactions.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};

use crate::cluster::{Cluster, NODE, text};

/// The kind of coordinator that groups have.
const GROUP: i8 = 0;

pub(super) fn serve(cluster: &Cluster, request: &FindCoordinatorRequest) -> FindCoordinatorResponse {
    if request.key_type != GROUP {
        // Final for clients; "not available" would make them ask for ever.
        return FindCoordinatorResponse::default()
            .with_error_code(ResponseError::TransactionalIdAuthorizationFailed.code())
            .with_node_id((-1).into());
    }
    FindCoordinatorResponse::default().with_node_id(NODE).with_host(text(&*cluster.host)).with_port(cluster.port.into())
}
