//! Which Delta tables we can read and write.

use arrow::datatypes::Schema;
use millstream_core::{Error, Result};

use super::schema::has_naive_timestamps;
use super::{Metadata, Protocol};

/// Features that change nothing for a reader of ours. A table may name `deletionVectors` as long as no file has one;
/// that is checked file by file.
const READABLE: &[&str] = &["timestampNtz", "vacuumProtocolCheck", "deletionVectors", "columnMapping"];

/// Features that ask nothing of a writer that only adds and removes whole files.
const WRITABLE: &[&str] =
    &["timestampNtz", "vacuumProtocolCheck", "deletionVectors", "columnMapping", "appendOnly", "invariants"];

/// Feature that a table with timestamps without zone must name.
const TIMESTAMP_NTZ: &str = "timestampNtz";

fn refused(table: &str, what: &str) -> Error {
    Error::environment(format!("the Delta table '{table}' cannot be used"))
        .why(format!("it uses {what}, which Millstream does not support"))
        .hint("another program added it to the table; take the feature away there, or write the rows to a new table")
}

/// Refuses tables whose rows we would read wrongly.
pub(crate) fn check_readable(table: &str, protocol: &Protocol, metadata: &Metadata) -> Result<()> {
    if protocol.min_reader_version > 3 {
        return Err(refused(table, &format!("reader version {}", protocol.min_reader_version)));
    }
    for feature in protocol.reader_features.iter().flatten() {
        if !READABLE.contains(&feature.as_str()) {
            return Err(refused(table, &format!("the reader feature '{feature}'")));
        }
    }
    let mapping = metadata.configuration.get("delta.columnMapping.mode").and_then(Option::as_deref);
    if mapping.is_some_and(|mode| mode != "none") {
        return Err(refused(table, "column mapping"));
    }
    if !metadata.partition_columns.is_empty() {
        return Err(refused(table, "partition columns"));
    }
    Ok(())
}

/// Refuses tables for which a commit of ours would break a promise that the table makes.
pub(crate) fn check_writable(table: &str, protocol: &Protocol, metadata: &Metadata) -> Result<()> {
    match protocol.min_writer_version {
        ..=2 => {}
        7 => {
            for feature in protocol.writer_features.iter().flatten() {
                if !WRITABLE.contains(&feature.as_str()) {
                    return Err(refused(table, &format!("the writer feature '{feature}'")));
                }
            }
        }
        other => return Err(refused(table, &format!("writer version {other}"))),
    }
    if metadata.schema_string.contains("delta.invariants") {
        return Err(refused(table, "column invariants"));
    }
    let append_only = metadata.configuration.get("delta.appendOnly").and_then(Option::as_deref);
    if append_only == Some("true") {
        return Err(refused(table, "append-only mode"));
    }
    Ok(())
}

/// The protocol that a table with this schema needs; `None` when the one it has is enough.
pub(crate) fn protocol_for(schema: &Schema, current: Option<&Protocol>) -> Option<Protocol> {
    if !has_naive_timestamps(schema) {
        return current.is_none().then(|| Protocol {
            min_reader_version: 1,
            min_writer_version: 2,
            ..Protocol::default()
        });
    }
    let has = |features: &Option<Vec<String>>| features.iter().flatten().any(|name| name == TIMESTAMP_NTZ);
    if current.is_some_and(|protocol| has(&protocol.reader_features) && has(&protocol.writer_features)) {
        return None;
    }
    let with = |features: Option<&Option<Vec<String>>>| {
        let mut all: Vec<String> = features.into_iter().flatten().flatten().cloned().collect();
        all.push(TIMESTAMP_NTZ.into());
        all.dedup();
        Some(all)
    };
    Some(Protocol {
        min_reader_version: 3,
        min_writer_version: 7,
        reader_features: with(current.map(|protocol| &protocol.reader_features)),
        writer_features: with(current.map(|protocol| &protocol.writer_features)),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow::datatypes::{DataType, Field, TimeUnit};

    #[test]
    fn unknown_features_are_refused_by_name() {
        let protocol = Protocol {
            min_reader_version: 3,
            min_writer_version: 7,
            reader_features: Some(vec!["variantType".into()]),
            writer_features: None,
        };
        let error = check_readable("t", &protocol, &Metadata::default()).unwrap_err();
        assert!(error.to_string().contains("variantType"), "{error}");
    }

    #[test]
    fn naive_timestamps_ask_for_their_feature_once() {
        let naive = Schema::new(vec![Field::new("a", DataType::Timestamp(TimeUnit::Microsecond, None), true)]);
        let first = protocol_for(&naive, None).unwrap();
        assert_eq!((first.min_reader_version, first.min_writer_version), (3, 7));
        assert_eq!(protocol_for(&naive, Some(&first)), None);
        let plain = Schema::new(vec![Field::new("a", DataType::Utf8, true)]);
        assert_eq!(protocol_for(&plain, None).unwrap().min_reader_version, 1);
        assert_eq!(protocol_for(&plain, Some(&first)), None);
    }
}
