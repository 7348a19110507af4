//! The connection to a Kafka cluster: settings, metadata, watermarks, and what their errors mean to a user.
//!
//! Guarantees: no setting's value is ever part of a message, because it may be a secret.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use millstream_core::{Error, Result, TableName};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;

use super::Watch;
use super::eof::EndTold;
use crate::contract::KafkaSource;
use crate::nearest::nearest;

/// How long a broker may take to answer a question about a topic.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the client tells the ends of partitions to whoever watches, in milliseconds.
const STATISTICS_INTERVAL_MS: &str = "1000";

/// Settings that decide where reading starts and what counts as read. Positions are in the tables, so that these are
/// ours to set.
const OURS: [(&str, &str); 4] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
];

/// A consumer that remembers the last error that librdkafka told it in passing.
pub(crate) type MillConsumer = BaseConsumer<Context>;

/// Remembers what librdkafka reports outside of answers, for example that a broker refuses the connection.
#[derive(Default)]
pub(crate) struct Context {
    topic: String,
    watch: Option<Arc<dyn Watch>>,
    last_error: Mutex<Option<String>>,
    end: EndTold,
    /// Ends of partitions that the broker was asked for, because paused ones are not fetched.
    asked: Mutex<BTreeMap<i32, i64>>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, log_message: &str) {
        tracing::debug!(target: "librdkafka", ?level, fac, log_message);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        // Asked for, and told with the messages too, right after this.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            self.end.tell(reason);
            return;
        }
        let text = if reason.is_empty() { error.to_string() } else { reason.to_owned() };
        tracing::debug!(target: "librdkafka", text);
        // One broker of several may be away with nothing amiss: another one leads its partitions soon.
        let is_cut_off = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        if let Some(watch) = self.watch.as_ref().filter(|_| is_cut_off) {
            watch.trouble(&text);
        }
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }
    fn stats(&self, statistics: Statistics) {
        let (Some(watch), Some(topic)) = (&self.watch, statistics.topics.get(&self.topic)) else { return };
        // Below 0 is what the client does not know yet, and the partition -1 stands for none.
        let known = topic.partitions.values().filter(|partition| partition.partition >= 0 && partition.hi_offset >= 0);
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // What was fetched last may be older than an answer, and ends do not move back.
        let end = |partition: i32, fetched: i64| asked.get(&partition).copied().unwrap_or(fetched).max(fetched);
        let ends = known.map(|partition| (partition.partition, end(partition.partition, partition.hi_offset)));
        let ends: Vec<(i32, i64)> = ends.collect();
        drop(asked);
        watch.ends(&ends);
    }
}

impl ConsumerContext for Context {}

impl Context {
    /// The offset of the partition's end that the poll before this has told.
    pub(crate) fn take_end(&self) -> Option<i64> {
        self.end.take()
    }

    /// Whether somebody is told where partitions end.
    pub(crate) fn is_watched(&self) -> bool {
        self.watch.is_some()
    }

    /// Tells where partitions end that are not fetched.
    pub(crate) fn tell_ends(&self, ends: &[(i32, i64)]) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).extend(ends.iter().copied());
        if let Some(watch) = &self.watch {
            watch.ends(ends);
        }
    }

    /// The last error that was told in passing.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The first and the next offset of a partition at the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watermarks {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// Makes a consumer. `overrides` come from the command line and win over the contract's properties.
pub(crate) fn connect(
    source: &KafkaSource,
    table: &TableName,
    overrides: &BTreeMap<String, String>,
    watch: Option<Arc<dyn Watch>>,
) -> Result<MillConsumer> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &source.brokers)
        .set("client.id", "millstream")
        // Used for nothing but showing the lag in other tools.
        .set("group.id", format!("millstream-{}-{}", table.schema, table.name))
        .set("allow.auto.create.topics", "false")
        // The answer to a fetch at the end of the log comes after at most this long.
        .set("fetch.wait.max.ms", "100");
    if watch.is_some() {
        config.set("statistics.interval.ms", STATISTICS_INTERVAL_MS);
    }
    for (key, value) in source.properties.iter().chain(overrides) {
        if OURS.iter().any(|(ours, _)| ours == key) {
            return Err(Error::user(format!("property '{key}' is Millstream's to set"))
                .why("positions are kept in the tables, and reading starts from them")
                .hint(format!("take '{key}' out of the properties of {table}")));
        }
        config.set(key, value);
    }
    for (key, value) in OURS {
        config.set(key, value);
    }
    let context = Context { topic: source.topic.clone(), watch, ..Context::default() };
    config.create_with_context(context).map_err(|error| settings_error(&error, table))
}

fn settings_error(error: &KafkaError, table: &TableName) -> Error {
    let told = Error::user(format!("the Kafka settings of {table} cannot be used"));
    match error {
        // librdkafka's description repeats the value.
        KafkaError::ClientConfig(_, _, key, _) => told
            .why(format!("property '{key}' is not known, or its value is not accepted"))
            .hint("see librdkafka's CONFIGURATION.md; SSL and SASL need a build with them"),
        KafkaError::ClientCreation(why) => told.why(why),
        other => told.why(other),
    }
}

/// The partitions of a topic.
pub(crate) fn partitions(consumer: &MillConsumer, source: &KafkaSource) -> Result<Vec<i32>> {
    let topic = &source.topic;
    let metadata = consumer
        .fetch_metadata(Some(topic), ANSWER_TIMEOUT)
        .map_err(|error| unreachable_error(consumer, source, &error))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let missing = found.is_none_or(|found| found.error().is_some() || found.partitions().is_empty());
    match found {
        Some(found) if !missing => {
            let mut ids: Vec<i32> = found.partitions().iter().map(|partition| partition.id()).collect();
            ids.sort_unstable();
            Ok(ids)
        }
        found => {
            let why = found.and_then(|found| found.error()).map(RDKafkaErrorCode::from);
            Err(no_topic(consumer, source, why))
        }
    }
}

/// An error about a topic that is not there, or that we may not see.
fn no_topic(consumer: &MillConsumer, source: &KafkaSource, why: Option<RDKafkaErrorCode>) -> Error {
    let topic = &source.topic;
    if let Some(code) = why
        && !matches!(code, RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic)
    {
        return Error::external(format!("topic '{topic}' at {} cannot be read", source.brokers)).why(code).retryable();
    }
    let others = consumer.fetch_metadata(None, ANSWER_TIMEOUT).ok();
    let names: Vec<String> = others
        .iter()
        .flat_map(|metadata| metadata.topics())
        .map(|other| other.name().to_owned())
        .filter(|name| !name.starts_with("__") && name != topic)
        .collect();
    let hint = match nearest(topic, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean '{near}'?"),
        None if names.is_empty() => "there is no topic yet: start the producer first, or create the topic".to_owned(),
        None => format!("topics that are there: {}", names.join(", ")),
    };
    Error::external(format!("topic '{topic}' is not there at {}", source.brokers)).hint(hint)
}

/// The first and the next offset of a partition.
pub(crate) fn watermarks(consumer: &MillConsumer, source: &KafkaSource, partition: i32) -> Result<Watermarks> {
    match consumer.fetch_watermarks(&source.topic, partition, ANSWER_TIMEOUT) {
        Ok((low, high)) => Ok(Watermarks { low, high }),
        Err(error) => Err(unreachable_error(consumer, source, &error)),
    }
}

/// The next offset of a partition, if the broker tells within this time.
pub(crate) fn end_within(consumer: &MillConsumer, source: &KafkaSource, partition: i32, wait: Duration) -> Option<i64> {
    consumer.fetch_watermarks(&source.topic, partition, wait).ok().map(|(_, high)| high)
}

/// An error for a broker that does not answer, or answers with one.
pub(crate) fn unreachable_error(consumer: &MillConsumer, source: &KafkaSource, error: &KafkaError) -> Error {
    let mut told = Error::external(format!("Kafka at {} cannot be read", source.brokers)).why(error).retryable();
    // An error is often told in passing while the question itself only times out. It waits in a queue until then.
    let _ = consumer.poll(Duration::from_millis(0));
    if let Some(last) = consumer.context().last_error() {
        told = told.why(last);
    }
    told.hint("check that the broker runs and that brokers: is right (millstream broker starts an embedded one)")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::kafka::{KafkaCommit, PartitionAt};

    #[derive(Default)]
    struct Troubles(Mutex<Vec<String>>);

    impl Watch for Troubles {
        fn reading(&self, _: &[PartitionAt]) {}
        fn trouble(&self, message: &str) {
            self.0.lock().unwrap().push(message.to_owned());
        }
        fn ends(&self, _: &[(i32, i64)]) {}
        fn committed(&self, _: &KafkaCommit) {}
    }

    #[test]
    fn one_broker_of_several_that_is_away_is_no_trouble() {
        let troubles = Arc::new(Troubles::default());
        let context = Context { watch: Some(troubles.clone()), ..Context::default() };
        context.error(KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure), "b2:9092: refused");
        assert!(troubles.0.lock().unwrap().is_empty());
        assert_eq!(context.last_error().as_deref(), Some("b2:9092: refused"), "it is told when something fails");
        context.error(KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "3/3 brokers are down");
        assert_eq!(*troubles.0.lock().unwrap(), ["3/3 brokers are down"]);
    }
}
