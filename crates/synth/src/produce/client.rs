//! The Kafka client: its settings, its delivery counts, and the wait for a broker.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use millstream_core::{Error, Result};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use rdkafka::producer::{DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use super::ProduceOptions;

/// Ours, before the user's: nothing is lost or repeated by the client, and batches are large enough to be fast.
const SETTINGS: [(&str, &str); 9] = [
    ("client.id", "millstream-produce"),
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("compression.type", "lz4"),
    ("linger.ms", "10"),
    ("batch.size", "1000000"),
    ("queue.buffering.max.messages", "500000"),
    ("queue.buffering.max.kbytes", "262144"),
    // How long one message may take over all retries; a broker that is away for less loses nothing.
    ("message.timeout.ms", "30000"),
];

/// Parts of setting names whose values are never shown.
const SECRETS: [&str; 5] = ["password", "secret", "token", "key", "oauthbearer"];

/// What the client reports from its own thread.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    pub(super) delivered: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) bytes: AtomicU64,
    first_failure: Mutex<Option<String>>,
    last_error: Mutex<Option<(KafkaError, String)>>,
}

impl Deliveries {
    pub(super) fn first_failure(&self) -> Option<String> {
        self.first_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn last_error(&self) -> Option<(KafkaError, String)> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Counts deliveries; the client's talk is kept for error messages and never printed.
pub(super) struct Context(pub(super) Arc<Deliveries>);

impl ClientContext for Context {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        let mut last = self.0.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        // "All brokers are down" follows the reason for it, and says less.
        if last.is_none() || error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *last = Some((error, reason.to_owned()));
        }
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        match result {
            Ok(message) => {
                self.0.delivered.fetch_add(1, Ordering::Relaxed);
                self.0.bytes.fetch_add((message.payload_len() + message.key_len()) as u64, Ordering::Relaxed);
            }
            Err((error, _)) => {
                let mut first = self.0.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert_with(|| error.to_string());
                self.0.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A client with our settings and then the user's.
pub(super) fn create(options: &ProduceOptions, deliveries: Arc<Deliveries>) -> Result<ThreadedProducer<Context>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &options.brokers).set_log_level(RDKafkaLogLevel::Error);
    for (name, value) in SETTINGS {
        config.set(name, value);
    }
    for (name, value) in &options.properties {
        config.set(name, value);
    }
    config.create_with_context(Context(deliveries)).map_err(|error| match error {
        KafkaError::ClientConfig(_, why, name, _) => refused(&name, &why),
        other => Error::usage("the Kafka client refuses its settings").why(tls_hint(&other.to_string())),
    })
}

fn refused(name: &str, why: &str) -> Error {
    let error = Error::usage(format!("the Kafka setting {name} is refused"));
    // librdkafka's reason repeats the value.
    let secret = SECRETS.iter().any(|part| name.contains(part));
    let error = if secret { error } else { error.why(tls_hint(why)) };
    error.hint("see the list of settings in librdkafka's CONFIGURATION.md")
}

fn tls_hint(why: &str) -> String {
    if why.contains("not available at build time") || why.contains("OpenSSL") {
        return format!("{why} (this binary was built without the cargo feature `tls`)");
    }
    why.to_owned()
}

/// Waits until a broker answers.
pub(super) fn connect(
    producer: &ThreadedProducer<Context>,
    options: &ProduceOptions,
    deliveries: &Deliveries,
) -> Result<()> {
    let deadline = Instant::now() + options.connect_timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // In slices, so that Ctrl-C and hopeless errors end the wait early.
        let slice = left.min(std::time::Duration::from_secs(1));
        let Err(error) = producer.client().fetch_metadata(Some(&options.topic), slice) else { return Ok(()) };
        let last = deliveries.last_error();
        let hopeless = last.as_ref().is_some_and(|(error, _)| {
            matches!(
                error.rdkafka_error_code(),
                Some(
                    RDKafkaErrorCode::Authentication
                        | RDKafkaErrorCode::SSL
                        | RDKafkaErrorCode::SaslAuthenticationFailed
                )
            )
        });
        if left <= slice || hopeless || options.stop.load(Ordering::Relaxed) {
            let why = last.map_or_else(|| error.to_string(), |(_, reason)| reason);
            return Err(Error::external(format!("no Kafka broker answers at {}", options.brokers))
                .why(why)
                .hint("start one with `millstream broker`, or check --brokers and the -X settings")
                .retryable());
        }
        // A refused connection answers at once; do not ask in a tight loop.
        std::thread::sleep(slice.min(std::time::Duration::from_millis(100)));
    }
}
