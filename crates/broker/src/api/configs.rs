//! DescribeConfigs: the few settings that are fixed here.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};

use crate::cluster::{Cluster, NODE, text};
use crate::options::{DEFAULT_PARTITIONS, MAX_REQUEST_BYTES};

/// Kinds of resources.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// Where a setting comes from: it is a default.
const DEFAULT: i8 = 5;

pub(super) fn describe(cluster: &Cluster, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let results = request.resources.into_iter().map(|resource| {
        let settings = settings(cluster, &resource);
        let code = super::code(&settings);
        let wanted = |name: &str| {
            resource.configuration_keys.as_ref().is_none_or(|keys| keys.iter().any(|key| key.as_str() == name))
        };
        let configs = settings.unwrap_or_default().into_iter().filter(|(name, _)| wanted(name)).map(|(name, value)| {
            DescribeConfigsResourceResult::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
                .with_read_only(true)
                .with_config_source(DEFAULT)
        });
        DescribeConfigsResult::default()
            .with_error_code(code)
            .with_resource_type(resource.resource_type)
            .with_configs(configs.collect())
            .with_resource_name(resource.resource_name)
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn settings(
    cluster: &Cluster,
    resource: &DescribeConfigsResource,
) -> Result<Vec<(&'static str, String)>, ResponseError> {
    match resource.resource_type {
        TOPIC if cluster.log.topic(&resource.resource_name).is_none() => Err(ResponseError::UnknownTopicOrPartition),
        TOPIC => Ok(vec![
            ("cleanup.policy", "delete".to_owned()),
            ("max.message.bytes", MAX_REQUEST_BYTES.to_string()),
            ("message.timestamp.type", "CreateTime".to_owned()),
            ("retention.bytes", "-1".to_owned()),
            ("retention.ms", "-1".to_owned()),
        ]),
        BROKER => Ok(vec![
            ("auto.create.topics.enable", "true".to_owned()),
            ("broker.id", NODE.0.to_string()),
            ("num.partitions", DEFAULT_PARTITIONS.to_string()),
        ]),
        _ => Err(ResponseError::InvalidRequest),
    }
}
