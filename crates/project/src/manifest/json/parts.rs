//! What nodes and other elements have in common, as dbt writes it.

use indexmap::IndexMap;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use crate::manifest::{Column, Constraint, Contract, RefArgs, TestMetadata};

#[derive(serde::Serialize)]
pub(super) struct DependsOnText<'a> {
    pub macros: &'a [String],
    /// Seeds have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<&'a [String]>,
}

#[derive(serde::Serialize)]
pub(super) struct DocsText<'a> {
    pub show: bool,
    pub node_color: Option<&'a str>,
}

#[derive(serde::Serialize)]
pub(super) struct ContractText {
    enforced: bool,
    alias_types: bool,
    checksum: (),
}

impl ContractText {
    pub(super) fn of(contract: Contract) -> Self {
        Self { enforced: contract.enforced, alias_types: contract.alias_types, checksum: () }
    }
}

/// Arguments of a `ref()`.
#[derive(serde::Serialize)]
pub(super) struct RefText<'a> {
    name: &'a str,
    package: Option<&'a str>,
    version: Value,
}

impl<'a> RefText<'a> {
    pub(super) fn of(args: &'a RefArgs) -> Self {
        Self { name: &args.name, package: args.package.as_deref(), version: version(args.version.as_deref()) }
    }
}

/// [`RefText`] as a value.
pub(crate) fn reference(args: &RefArgs) -> Value {
    json!({"name": args.name, "package": args.package, "version": version(args.version.as_deref())})
}

#[derive(serde::Serialize)]
pub(super) struct TestText<'a> {
    name: &'a str,
    kwargs: &'a Map<String, Value>,
    namespace: Option<&'a str>,
}

impl<'a> TestText<'a> {
    pub(super) fn of(test: &'a TestMetadata) -> Self {
        Self { name: &test.name, kwargs: &test.kwargs, namespace: test.namespace.as_deref() }
    }
}

#[derive(serde::Serialize)]
pub(super) struct ConstraintText<'a> {
    r#type: &'a str,
    name: Option<&'a str>,
    expression: Option<&'a str>,
    warn_unenforced: bool,
    warn_unsupported: bool,
    to: Option<&'a str>,
    to_columns: &'a [String],
    /// Only those of a whole model.
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<&'a [String]>,
}

impl<'a> ConstraintText<'a> {
    pub(super) fn of(found: &'a Constraint, of_model: bool) -> Self {
        Self {
            r#type: &found.kind,
            name: found.name.as_deref(),
            expression: found.expression.as_deref(),
            warn_unenforced: found.warn_unenforced,
            warn_unsupported: found.warn_unsupported,
            to: found.to.as_deref(),
            to_columns: &found.to_columns,
            columns: of_model.then_some(&found.columns),
        }
    }
}

#[derive(serde::Serialize)]
struct ColumnConfigText<'a> {
    meta: &'a Map<String, Value>,
    tags: &'a [String],
}

#[derive(serde::Serialize)]
struct ColumnText<'a> {
    name: &'a str,
    description: &'a str,
    meta: &'a Map<String, Value>,
    data_type: Option<&'a str>,
    constraints: Vec<ConstraintText<'a>>,
    quote: Option<bool>,
    config: ColumnConfigText<'a>,
    tags: &'a [String],
    granularity: Option<&'a str>,
    doc_blocks: &'a [String],
}

/// Columns by name.
pub(super) struct ColumnsText<'a>(pub &'a IndexMap<String, Column>);

impl Serialize for ColumnsText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, column) in self.0 {
            let text = ColumnText {
                name: &column.name,
                description: &column.description,
                meta: &column.meta,
                data_type: column.data_type.as_deref(),
                constraints: column.constraints.iter().map(|found| ConstraintText::of(found, false)).collect(),
                quote: column.quote,
                config: ColumnConfigText { meta: &column.meta, tags: &column.tags },
                tags: &column.tags,
                granularity: column.granularity.as_deref(),
                doc_blocks: &column.doc_blocks,
            };
            map.serialize_entry(name, &text)?;
        }
        map.end()
    }
}

/// A version as dbt writes it: a number where it is one.
pub(super) fn version(version: Option<&str>) -> Value {
    let Some(version) = version else { return Value::Null };
    match (version.parse::<i64>(), version.parse::<f64>()) {
        (Ok(whole), _) => json!(whole),
        (_, Ok(number)) => json!(number),
        _ => json!(version),
    }
}
