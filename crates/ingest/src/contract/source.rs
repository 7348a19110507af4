//! Where a source's data comes from: the table-level keys of the `millstream` object.

use std::collections::BTreeMap;
use std::fmt;

use millstream_core::limits::ERROR_SHARE_MAX_DEFAULT;
use serde_json::Value;

use super::meta::{Meta, scalar};

/// Where the data of a source comes from.
#[derive(Debug, Clone)]
pub enum SourceKind {
    /// Files in a folder.
    File(FileSource),
    /// A Kafka topic.
    Kafka(KafkaSource),
}

/// A source of CSV files.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSource {
    /// Glob from the project folder. What it finds with `.gz` or `.zst` added belongs to the source as well.
    pub path: String,
    /// How the header may differ from the declared columns.
    pub header: HeaderPolicy,
    /// Share of broken rows (0 to 1) above which a file is refused whole.
    pub max_error_share: f64,
    /// The byte between fields.
    pub delimiter: u8,
}

/// How a file's header may differ from the declared columns. Names are compared exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeaderPolicy {
    /// Same names, same order.
    #[default]
    Exact,
    /// Same names, any order.
    Reordered,
    /// At least the declared names, any order; other columns are left out.
    Superset,
}

/// A source of JSON messages.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaSource {
    /// `host:port` list.
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// librdkafka settings. May hold secrets: never shown, not even by `Debug`.
    pub properties: BTreeMap<String, String>,
    /// What becomes of a message that has a field that is not declared.
    pub extra_fields: ExtraFields,
}

/// What becomes of a message that has a field that is not declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExtraFields {
    /// It goes to quarantine, because its value would be lost.
    #[default]
    Quarantine,
    /// The field is left out.
    Ignore,
}

impl fmt::Debug for KafkaSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSource")
            .field("brokers", &self.brokers)
            .field("topic", &self.topic)
            .field("properties", &self.properties.keys().collect::<Vec<_>>())
            .field("extra_fields", &self.extra_fields)
            .finish()
    }
}

#[derive(Clone, Copy)]
enum Connector {
    File,
    Kafka,
}

/// Reads the table-level keys; `None` when a problem leaves no usable source.
pub(crate) fn read(mut meta: Meta<'_>) -> Option<SourceKind> {
    let choices = [("file", Connector::File), ("kafka", Connector::Kafka)];
    meta.needed_text("connector", "say connector: file or connector: kafka")?;
    let source = match meta.choice("connector", &choices)? {
        Connector::File => read_file(&mut meta).map(SourceKind::File),
        Connector::Kafka => read_kafka(&mut meta).map(SourceKind::Kafka),
    };
    meta.finish();
    source
}

fn read_file(meta: &mut Meta<'_>) -> Option<FileSource> {
    let path = meta.needed_text("path", "say which files, for example path: data/incoming/orders_*.csv");
    meta.choice("format", &[("csv", ())]);
    let header = meta
        .choice(
            "header",
            &[
                ("exact", HeaderPolicy::Exact),
                ("reordered", HeaderPolicy::Reordered),
                ("superset", HeaderPolicy::Superset),
            ],
        )
        .unwrap_or_default();
    let max_error_share = meta.number("max_error_share").unwrap_or(ERROR_SHARE_MAX_DEFAULT);
    if !(0.0..=1.0).contains(&max_error_share) {
        let message = format!("max_error_share {max_error_share} is not a share");
        meta.problem("contract-value", message, Some("write 5 % as 0.05".to_owned()));
    }
    let delimiter = match meta.text("delimiter") {
        None => b',',
        Some(text) => match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0) => *byte,
            _ => {
                let hint = "write for example delimiter: \";\" or delimiter: \"\\t\"";
                meta.problem("contract-value", "delimiter must be one ASCII character", Some(hint.to_owned()));
                b','
            }
        },
    };
    let path = path?;
    if let Err(error) = glob::Pattern::new(path) {
        meta.problem("contract-value", format_args!("path '{path}' is not a pattern: {error}"), None);
    }
    Some(FileSource { path: path.to_owned(), header, max_error_share, delimiter })
}

fn read_kafka(meta: &mut Meta<'_>) -> Option<KafkaSource> {
    let brokers = meta.needed_text("brokers", "say which brokers, for example brokers: localhost:9092");
    let topic = meta.needed_text("topic", "say which topic, for example topic: orders");
    meta.choice("format", &[("json", ())]);
    let extra_fields = meta
        .choice("extra_fields", &[("quarantine", ExtraFields::Quarantine), ("ignore", ExtraFields::Ignore)])
        .unwrap_or_default();
    let mut properties = BTreeMap::new();
    match meta.value("properties") {
        None => {}
        Some(Value::Object(object)) => {
            for (key, value) in object {
                match scalar(value) {
                    Some(text) => {
                        properties.insert(key.clone(), text);
                    }
                    None => meta.problem("contract-value", format_args!("property '{key}' must be one value"), None),
                }
            }
        }
        // The value may be a secret: it is not shown.
        Some(_) => meta.problem("contract-value", "properties must be a mapping of librdkafka settings", None),
    }
    Some(KafkaSource { brokers: brokers?.to_owned(), topic: topic?.to_owned(), properties, extra_fields })
}
