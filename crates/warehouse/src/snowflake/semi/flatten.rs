//! FLATTEN as a function that gives a list of rows; the dialect unnests it. Source: Snowflake's page "FLATTEN".
//!
//! `sf_flatten(input, path, outer, recursive, mode)`: one struct `key`, `path`, `index`, `value`, `this` for each
//! element, in order, a container before what is in it. With `outer`, nothing to flatten gives one struct of nulls.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Builder, ListArray, StringBuilder, StringViewBuilder, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::Result;

use super::super::cast::wrap_json;
use super::super::json::{self, Kind, Path};
use super::super::scalar::{Call, Function, function};
use super::super::types::{self, VARIANT_FIELD, is_variant, name, user_hint};

pub(super) const FUNCTIONS: &[Function] = &[function(&["sf_flatten"], 5, 5, |_| Ok(table()), flatten)];

/// `this` repeats for each element of a container: a view does not copy it.
fn this_type() -> DataType {
    DataType::Struct(Fields::from(vec![Field::new(VARIANT_FIELD, DataType::Utf8View, true)]))
}

fn columns() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("path", DataType::Utf8, true),
        Field::new("index", DataType::Int64, true),
        Field::new("value", types::variant(), true),
        Field::new("this", this_type(), true),
    ])
}

fn table() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(columns()), true)))
}

struct Rows {
    keys: StringBuilder,
    paths: StringBuilder,
    indexes: Int64Builder,
    values: StringBuilder,
    this: StringViewBuilder,
    objects: bool,
    arrays: bool,
    recursive: bool,
    count: i32,
}

impl Rows {
    fn descend(&mut self, container: &str, path: &mut String) -> Result<()> {
        let kind = json::kind(container);
        if !((kind == Kind::Object && self.objects) || (kind == Kind::Array && self.arrays)) {
            return Ok(());
        }
        // One copy of the container, which all of its elements point at.
        let block = if container.len() > 12 {
            Some(self.this.append_block(container.as_bytes().to_vec().into()))
        } else {
            None
        };
        let before = path.len();
        if kind == Kind::Object {
            for (key, value) in json::members(container) {
                let plain = json::decode(key);
                write_key(&plain, path);
                self.keys.append_value(&plain);
                self.indexes.append_null();
                self.row(container, block, value, path)?;
                path.truncate(before);
            }
        } else {
            for (index, value) in (0..).zip(json::elements(container)) {
                path.push_str(&format!("[{index}]"));
                self.keys.append_null();
                self.indexes.append_value(index);
                self.row(container, block, value, path)?;
                path.truncate(before);
            }
        }
        Ok(())
    }

    fn row(&mut self, container: &str, block: Option<u32>, value: &str, path: &mut String) -> Result<()> {
        self.paths.append_value(&*path);
        match value {
            "undefined" => self.values.append_null(),
            value => self.values.append_value(value),
        }
        match block {
            Some(block) => self.this.try_append_view(block, 0, container.len() as u32)?,
            None => self.this.append_value(container),
        }
        self.count += 1;
        if self.recursive { self.descend(value, path) } else { Ok(()) }
    }

    fn nothing(&mut self, this: Option<&str>, path: &str) {
        self.keys.append_null();
        self.indexes.append_null();
        self.paths.append_value(path);
        self.values.append_null();
        self.this.append_option(this);
        self.count += 1;
    }
}

/// Keys that are no plain names stand in brackets and quotes.
fn write_key(key: &str, path: &mut String) {
    let plain = key.chars().all(|char| char.is_alphanumeric() || char == '_')
        && key.chars().next().is_some_and(|char| !char.is_ascii_digit());
    if plain {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    } else {
        path.push_str("['");
        path.push_str(&key.replace('\'', "''"));
        path.push_str("']");
    }
}

fn flatten(call: &Call<'_>) -> Result<ArrayRef> {
    let from = call.type_of(0);
    if !is_variant(&from) && from != DataType::Null {
        return Err(user_hint(
            format!("flatten takes a VARIANT, OBJECT or ARRAY, not {}", name(&from)),
            "parse_json(x) reads a text as a VARIANT",
        ));
    }
    let values = call.json(0)?;
    let paths = call.text(1)?;
    let (outer, recursive) = (call.bool(2)?, call.bool(3)?);
    let mode = call.constant_text(4, "mode")?.unwrap_or_default().to_ascii_lowercase();
    let (objects, arrays) = match mode.as_str() {
        "both" | "" => (true, true),
        "object" => (true, false),
        "array" => (false, true),
        other => return Err(call.error(format!("there is no mode '{other}'; there are object, array and both"))),
    };
    let mut rows = Rows {
        keys: StringBuilder::new(),
        paths: StringBuilder::new(),
        indexes: Int64Builder::new(),
        values: StringBuilder::new(),
        this: StringViewBuilder::new(),
        objects,
        arrays,
        recursive: false,
        count: 0,
    };
    let mut offsets = vec![0];
    let mut last: Option<(String, Path)> = None;
    for row in 0..call.rows {
        rows.recursive = recursive.get(row) == Some(true);
        let prefix = paths.get(row).unwrap_or_default();
        if last.as_ref().is_none_or(|(known, _)| known != prefix) {
            last = Some((prefix.to_owned(), Path::parse(prefix).map_err(|error| call.error(error))?));
        }
        let start = values.get(row).and_then(|value| last.as_ref().and_then(|(_, path)| path.walk(value)));
        let before = rows.count;
        let mut path = prefix.to_owned();
        if let Some(start) = start {
            rows.descend(start, &mut path)?;
        }
        if rows.count == before && outer.get(row) == Some(true) {
            rows.nothing(start, prefix);
        }
        offsets.push(rows.count);
    }
    let this = rows.this.finish();
    let nulls = this.nulls().cloned();
    let this_fields = Fields::from(vec![Field::new(VARIANT_FIELD, DataType::Utf8View, true)]);
    let items = StructArray::try_new(
        columns(),
        vec![
            Arc::new(rows.keys.finish()),
            Arc::new(rows.paths.finish()),
            Arc::new(rows.indexes.finish()),
            wrap_json(Arc::new(rows.values.finish())),
            Arc::new(StructArray::try_new(this_fields, vec![Arc::new(this)], nulls)?),
        ],
        None,
    )?;
    let item = Arc::new(Field::new("item", DataType::Struct(columns()), true));
    Ok(Arc::new(ListArray::try_new(item, OffsetBuffer::new(offsets.into()), Arc::new(items), None)?))
}
