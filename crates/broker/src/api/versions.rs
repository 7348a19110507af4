//! ApiVersions: what is served.

use bytes::BytesMut;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiVersionsResponse;
use kafka_protocol::messages::api_versions_response::ApiVersion;

use crate::wire::{HangUp, Head, SERVED};

pub(super) fn serve(head: &Head) -> Result<BytesMut, HangUp> {
    let served = SERVED.iter().map(|(key, min, max)| {
        ApiVersion::default().with_api_key(*key as i16).with_min_version(*min).with_max_version(*max)
    });
    let answer = ApiVersionsResponse::default().with_api_keys(served.collect());
    let newest = SERVED.iter().find(|(key, _, _)| *key == head.key).map_or(0, |(_, _, max)| *max);
    if head.version > newest {
        let answer = answer.with_error_code(ResponseError::UnsupportedVersion.code());
        return head.answer_in(0, &answer);
    }
    head.answer(&answer)
}
