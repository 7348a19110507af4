//! Writing the manifest as text.
//!
//! Guarantees: elements are made and written a batch at a time, on every core, in the order of their ids, so that a
//! project of thousands of models is never held as one tree of values. Same manifest, same bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::nodes::NodeText;
use super::{Metadata, SCHEMA, elements, stamped};
use crate::manifest::{Manifest, Node, ResourceType};
use crate::workers;

/// Nodes that one thread makes into text at a time.
const BATCH_NODES: usize = 128;

/// Nodes whose texts are in memory at once, a few kilobytes each.
const WINDOW_NODES: usize = 16 * BATCH_NODES;

/// What a run has rendered of a node.
#[derive(Debug, Clone, Copy)]
pub struct Compiled<'a> {
    /// The SQL.
    pub code: &'a str,
    /// The file that holds it, if one was written.
    pub path: Option<&'a str>,
}

impl Manifest {
    /// Writes dbt's `manifest.json`; `compiled` has, by unique id, what this run has rendered.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write_json(
        &self,
        metadata: &Metadata,
        compiled: &BTreeMap<&str, Compiled<'_>>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let at = metadata.created_at();
        let mut document = Document { out, first: true };
        document.section("metadata", &metadata_json(metadata))?;
        document.nodes(self, at, compiled)?;
        document.entries("sources", &self.sources, |found| stamped(elements::source(found), at))?;
        document.entries("macros", &self.macros, |found| stamped(elements::macro_(found), at))?;
        document.entries("docs", &self.docs, elements::doc)?;
        document.entries("exposures", &self.exposures, |found| stamped(elements::exposure(found), at))?;
        document.section("metrics", &self.semantics_json(ResourceType::Metric, at))?;
        document.entries("groups", &self.groups, elements::group)?;
        document.section("selectors", &self.selectors)?;
        document.section("disabled", &self.disabled_json(at))?;
        document.section("parent_map", &self.parent_map)?;
        document.section("child_map", &self.child_map)?;
        document.section("group_map", &self.group_map())?;
        document.section("saved_queries", &self.semantics_json(ResourceType::SavedQuery, at))?;
        document.section("semantic_models", &self.semantics_json(ResourceType::SemanticModel, at))?;
        document.entries("unit_tests", &self.unit_tests, |found| stamped(elements::unit_test(found), at))?;
        document.section("functions", &json!({}))?;
        document.out.write_all(b"}")
    }
}

fn metadata_json(metadata: &Metadata) -> Value {
    json!({
        "dbt_schema_version": SCHEMA,
        "dbt_version": millstream_jinja::DBT_VERSION,
        "generated_at": metadata.generated_at,
        "invocation_id": metadata.invocation_id,
        "invocation_started_at": metadata.invocation_started_at,
        "env": metadata.env,
        "project_name": metadata.project_name,
        "project_id": crate::files::md5_hex(metadata.project_name.as_bytes()),
        "user_id": null,
        "send_anonymous_usage_stats": false,
        "adapter_type": metadata.adapter_type,
        "quoting": {"database": true, "schema": true, "identifier": true, "column": null},
        "run_started_at": metadata.invocation_started_at,
    })
}

/// The document while it is written: an object whose sections come one after the other.
struct Document<'a> {
    out: &'a mut dyn Write,
    first: bool,
}

impl Document<'_> {
    fn key(&mut self, key: &str) -> io::Result<()> {
        self.out.write_all(if self.first { b"{" } else { b"," })?;
        self.first = false;
        serde_json::to_writer(&mut *self.out, key)?;
        self.out.write_all(b":")
    }

    fn section(&mut self, key: &str, value: &impl Serialize) -> io::Result<()> {
        self.key(key)?;
        Ok(serde_json::to_writer(&mut *self.out, value)?)
    }

    fn entries<'e, T: 'e>(
        &mut self,
        key: &str,
        entries: impl IntoIterator<Item = (&'e String, &'e T)>,
        make: impl Fn(&'e T) -> Value,
    ) -> io::Result<()> {
        self.key(key)?;
        self.out.write_all(b"{")?;
        for (index, (id, found)) in entries.into_iter().enumerate() {
            if index > 0 {
                self.out.write_all(b",")?;
            }
            serde_json::to_writer(&mut *self.out, id)?;
            self.out.write_all(b":")?;
            serde_json::to_writer(&mut *self.out, &make(found))?;
        }
        self.out.write_all(b"}")
    }

    fn nodes(&mut self, manifest: &Manifest, at: f64, compiled: &BTreeMap<&str, Compiled<'_>>) -> io::Result<()> {
        self.key("nodes")?;
        self.out.write_all(b"{")?;
        let all: Vec<(&String, &Node)> = manifest.nodes.iter().collect();
        let text_of = |batch: &[(&String, &Node)]| -> io::Result<Vec<u8>> {
            let mut text = Vec::new();
            for (id, node) in batch {
                if !text.is_empty() {
                    text.push(b',');
                }
                serde_json::to_writer(&mut text, id)?;
                text.push(b':');
                serde_json::to_writer(&mut text, &NodeText { node, at, compiled: compiled.get(id.as_str()) })?;
            }
            Ok(text)
        };
        let mut first = true;
        for window in all.chunks(WINDOW_NODES) {
            for text in workers::in_batches(window, BATCH_NODES, text_of) {
                if !std::mem::take(&mut first) {
                    self.out.write_all(b",")?;
                }
                self.out.write_all(&text?)?;
            }
        }
        self.out.write_all(b"}")
    }
}
