//! What this broker has not, said in the words of the protocol: clients then say something better than "disconnected".

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{DescribeAclsResponse, SaslHandshakeResponse};

use crate::cluster::text;

/// No SASL: connections are plain and open to who can reach them.
pub(super) fn sasl() -> SaslHandshakeResponse {
    SaslHandshakeResponse::default().with_error_code(ResponseError::UnsupportedSaslMechanism.code())
}

/// No access control.
pub(super) fn acls() -> DescribeAclsResponse {
    DescribeAclsResponse::default()
        .with_error_code(ResponseError::SecurityDisabled.code())
        .with_error_message(Some(text("this broker has no access control")))
}
