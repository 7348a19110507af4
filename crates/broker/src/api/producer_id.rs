//! InitProducerId: ids for idempotent producers. Transactional ones are refused.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use crate::cluster::Cluster;

pub(super) fn serve(cluster: &Cluster, request: &InitProducerIdRequest) -> InitProducerIdResponse {
    if request.transactional_id.is_some() {
        return InitProducerIdResponse::default()
            .with_error_code(ResponseError::TransactionalIdAuthorizationFailed.code())
            .with_producer_id((-1).into())
            .with_producer_epoch(-1);
    }
    // A producer that asks again (after an error it cannot mend) starts over under a new id.
    InitProducerIdResponse::default().with_producer_id(cluster.log.new_producer().into()).with_producer_epoch(0)
}
