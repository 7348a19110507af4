//! LISTAGG, ARRAY_AGG, ARRAY_UNIQUE_AGG, OBJECT_AGG, BOOLXOR_AGG, MODE. Sources: Snowflake's pages of these names.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StructArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::super::cast::{to_boolean, to_json, to_text, wrap_json};
use super::super::json;
use super::super::scalar::Texts;
use super::super::types::{self, user};
use super::collect::{Collector, Group};

pub(super) const COLLECTORS: &[Collector] = &[
    Collector {
        name: "listagg",
        least: 1,
        most: 2,
        element: text,
        prepare: |arguments, _| plain(to_text(&arguments[0])?),
        returns: text,
        finish: list,
        distinct: false,
        within_group: false,
    },
    Collector {
        name: "array_agg",
        least: 1,
        most: 1,
        element: text,
        prepare: |arguments, _| plain(to_json(&arguments[0])?),
        returns: variant,
        finish: array,
        distinct: false,
        within_group: false,
    },
    Collector {
        name: "array_unique_agg",
        least: 1,
        most: 1,
        element: text,
        prepare: |arguments, _| plain(to_json(&arguments[0])?),
        returns: variant,
        finish: array,
        distinct: true,
        within_group: false,
    },
    Collector {
        name: "object_agg",
        least: 2,
        most: 2,
        element: text,
        prepare: members,
        returns: variant,
        finish: object,
        distinct: false,
        within_group: false,
    },
    Collector {
        name: "boolxor_agg",
        least: 1,
        most: 1,
        element: |_| Ok(DataType::Boolean),
        prepare: |arguments, _| Ok(Arc::new(to_boolean(&arguments[0], true)?)),
        returns: |_| Ok(DataType::Boolean),
        finish: |group| {
            let values = group.values.as_boolean();
            Ok(ScalarValue::Boolean((!values.is_empty()).then(|| values.true_count() == 1)))
        },
        distinct: false,
        within_group: false,
    },
    Collector {
        name: "mode",
        least: 1,
        most: 1,
        element: |types| Ok(types[0].clone()),
        prepare: |arguments, _| Ok(arguments[0].clone()),
        returns: |types| Ok(types[0].clone()),
        finish: mode,
        distinct: false,
        within_group: false,
    },
];

fn text(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::Utf8)
}

fn variant(_: &[DataType]) -> Result<DataType> {
    Ok(types::variant())
}

/// Texts in the layout in which they are gathered.
fn plain(texts: Texts) -> Result<ArrayRef> {
    let array = texts.into_array();
    if *array.data_type() == DataType::Utf8 { Ok(array) } else { Ok(arrow::compute::cast(&array, &DataType::Utf8)?) }
}

/// One variant as a constant.
fn one(json: String) -> Result<ScalarValue> {
    let wrapped = wrap_json(Arc::new(StringArray::from(vec![json])));
    let array: StructArray = wrapped.as_struct().clone();
    Ok(ScalarValue::Struct(Arc::new(array)))
}

/// Of no values it is an empty text, not a null.
fn list(group: &Group<'_>) -> Result<ScalarValue> {
    let separator = match group.constants.first() {
        None => "",
        Some(ScalarValue::Null) => return Ok(ScalarValue::Utf8(None)),
        Some(value) => match value.try_as_str() {
            Some(Some(text)) => text,
            Some(None) => return Ok(ScalarValue::Utf8(None)),
            None => return Err(user("listagg: the delimiter must be a constant text")),
        },
    };
    let mut out = String::new();
    for (index, text) in group.texts().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(text);
    }
    Ok(ScalarValue::Utf8(Some(out)))
}

fn array(group: &Group<'_>) -> Result<ScalarValue> {
    let mut out = String::new();
    json::array(group.texts(), &mut out);
    one(out)
}

/// Keys and values as objects of one member; a pair with a null is left out.
fn members(arguments: &[ArrayRef], _: &DataType) -> Result<ArrayRef> {
    let (keys, values) = (to_text(&arguments[0])?, to_json(&arguments[1])?);
    let built: StringArray = (0..keys.len())
        .map(|row| {
            let (key, value) = (keys.get(row)?, values.get(row)?);
            let mut out = String::from("{");
            json::string(key, &mut out);
            out.push(':');
            out.push_str(value);
            out.push('}');
            Some(out)
        })
        .collect();
    Ok(Arc::new(built))
}

fn object(group: &Group<'_>) -> Result<ScalarValue> {
    let mut members: Vec<(&str, &str)> = group.texts().flat_map(json::members).collect();
    members.sort_by(|left, right| left.0.cmp(right.0));
    if let Some(pair) = members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(user(format!("object_agg: the key {} comes twice in a group", pair[0].0)));
    }
    let mut out = String::new();
    json::object(&mut members, &mut out);
    one(out)
}

/// The value that comes most often; of several, the one that came first.
fn mode(group: &Group<'_>) -> Result<ScalarValue> {
    if !group.values.is_empty() {
        let converter =
            arrow::row::RowConverter::new(vec![arrow::row::SortField::new(group.values.data_type().clone())])?;
        let rows = converter.convert_columns(std::slice::from_ref(&group.values))?;
        let mut counts = std::collections::HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            counts.entry(row.owned()).or_insert((0usize, index)).0 += 1;
        }
        let best = counts.into_values().max_by(|left, right| left.0.cmp(&right.0).then(right.1.cmp(&left.1)));
        if let Some((_, index)) = best {
            return ScalarValue::try_from_array(&group.values, index);
        }
    }
    ScalarValue::try_from(group.return_type)
}
