//! Table schemas: Arrow types to the Delta schema string and back, and which Arrow type a column is stored as.
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format>.
//!
//! Every column is nullable in the table: what must not be null is the contract's and the tests' business.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use millstream_core::{Error, Result};
use serde_json::{Value, json};

use crate::snowflake::is_variant_type;

/// Digits of the widest decimal that Delta knows.
const DECIMAL_DIGITS_MAX: u8 = 38;

/// The type that a column is stored and shown as. `column` names it in errors.
pub(crate) fn storable(data_type: &DataType, column: &str) -> Result<DataType> {
    let refused = |why: &str, hint: &str| {
        Err(Error::user(format!("column '{column}' cannot be stored: its type is {data_type}")).why(why).hint(hint))
    };
    Ok(match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32
        | DataType::Utf8
        | DataType::Binary => data_type.clone(),
        // Delta has no unsigned integers: the next wider signed type holds every value, but for the widest, which is
        // what `row_number()` and its like give: a bigint elsewhere, and here. A value that does not fit is an error.
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        // An untyped null (`select null as x`) is text, as in PostgreSQL.
        DataType::Null | DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
            if *scale >= 0 =>
        {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Decimal256(_, scale) if *scale >= 0 && *scale <= DECIMAL_DIGITS_MAX as i8 => {
            DataType::Decimal128(DECIMAL_DIGITS_MAX, *scale)
        }
        DataType::Dictionary(_, values) => storable(values, column)?,
        DataType::RunEndEncoded(_, values) => storable(values.data_type(), column)?,
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) => {
            DataType::List(Arc::new(Field::new("element", storable(item.data_type(), column)?, true)))
        }
        DataType::FixedSizeList(item, _) => {
            DataType::List(Arc::new(Field::new("element", storable(item.data_type(), column)?, true)))
        }
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| Ok(Field::new(field.name(), storable(field.data_type(), column)?, true)))
                .collect::<Result<Fields>>()?,
        ),
        DataType::Map(entries, sorted) => DataType::Map(storable_entries(entries, column)?, *sorted),
        DataType::Interval(_) | DataType::Duration(_) => {
            return refused("tables hold no intervals", "store a number, for example extract(epoch from …)");
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            return refused("tables hold no times of day", "store text or a timestamp: cast(… as varchar)");
        }
        _ => return refused("tables hold no values of this type", "cast it to a type that tables hold"),
    })
}

fn storable_entries(entries: &FieldRef, column: &str) -> Result<FieldRef> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(Error::ours(format!("column '{column}': a map without entries")));
    };
    let [key, value] = &fields[..] else {
        return Err(Error::ours(format!("column '{column}': a map's entries need a key and a value")));
    };
    let fields: Fields = vec![
        Field::new("key", storable(key.data_type(), column)?, false),
        Field::new("value", storable(value.data_type(), column)?, true),
    ]
    .into();
    Ok(Arc::new(Field::new("key_value", DataType::Struct(fields), false)))
}

/// The schema that rows of `schema` are stored with.
///
/// # Errors
/// A user error that names the column when a type cannot be stored, a name is empty or given twice (case ignored,
/// because other readers of Delta ignore it).
pub(crate) fn storable_schema(schema: &Schema) -> Result<SchemaRef> {
    let mut seen = std::collections::HashSet::new();
    let mut fields = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        if field.name().is_empty() {
            return Err(Error::user("a column has no name").hint("give it one with 'as'"));
        }
        if !seen.insert(field.name().to_lowercase()) {
            return Err(Error::user(format!("there are two columns called '{}'", field.name()))
                .why("names of a table's columns must differ by more than case")
                .hint("rename one of them with 'as'"));
        }
        fields.push(Field::new(field.name(), storable(field.data_type(), field.name())?, true));
    }
    if fields.is_empty() {
        return Err(Error::user("a table needs at least one column"));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// The Delta schema string of a stored schema.
pub(crate) fn to_delta(schema: &Schema) -> String {
    struct_json(schema.fields()).to_string()
}

fn struct_json(fields: &Fields) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|field| {
            json!({"name": field.name(), "type": type_json(field.data_type()), "nullable": true, "metadata": {}})
        })
        .collect();
    json!({"type": "struct", "fields": fields})
}

fn type_json(data_type: &DataType) -> Value {
    match data_type {
        DataType::Boolean => json!("boolean"),
        DataType::Int8 => json!("byte"),
        DataType::Int16 => json!("short"),
        DataType::Int32 => json!("integer"),
        DataType::Int64 => json!("long"),
        DataType::Float32 => json!("float"),
        DataType::Float64 => json!("double"),
        DataType::Date32 => json!("date"),
        DataType::Binary => json!("binary"),
        DataType::Timestamp(_, Some(_)) => json!("timestamp"),
        DataType::Timestamp(_, None) => json!("timestamp_ntz"),
        DataType::Decimal128(precision, scale) => json!(format!("decimal({precision},{scale})")),
        DataType::List(item) => {
            json!({"type": "array", "elementType": type_json(item.data_type()), "containsNull": true})
        }
        DataType::Struct(fields) => struct_json(fields),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => json!({
                "type": "map",
                "keyType": type_json(fields[0].data_type()),
                "valueType": type_json(fields[1].data_type()),
                "valueContainsNull": true,
            }),
            _ => json!("string"),
        },
        // `storable` lets nothing else through but text.
        _ => json!("string"),
    }
}

/// The stored schema of a Delta schema string.
pub(crate) fn from_delta(text: &str) -> Result<SchemaRef> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Error::environment("the table's schema cannot be read").why(error))?;
    Ok(Arc::new(Schema::new(fields_of(&value)?)))
}

fn fields_of(value: &Value) -> Result<Fields> {
    let unreadable = || Error::environment("the table's schema cannot be read").why(format!("unexpected {value}"));
    value["fields"]
        .as_array()
        .ok_or_else(unreadable)?
        .iter()
        .map(|field| {
            let name = field["name"].as_str().ok_or_else(unreadable)?;
            Ok(Field::new(name, type_of(&field["type"])?, true))
        })
        .collect()
}

fn type_of(value: &Value) -> Result<DataType> {
    let unknown = || {
        Error::environment("the table has a column type that is not supported")
            .why(format!("Delta type {value}"))
            .hint("the table was made by another program; read it with that, or store the column as another type")
    };
    if let Some(name) = value.as_str() {
        return Ok(match name {
            "string" => DataType::Utf8,
            "boolean" => DataType::Boolean,
            "byte" => DataType::Int8,
            "short" => DataType::Int16,
            "integer" => DataType::Int32,
            "long" => DataType::Int64,
            "float" => DataType::Float32,
            "double" => DataType::Float64,
            "date" => DataType::Date32,
            "binary" => DataType::Binary,
            "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            "timestamp_ntz" => DataType::Timestamp(TimeUnit::Microsecond, None),
            _ => {
                let (precision, scale) = name
                    .strip_prefix("decimal(")
                    .and_then(|rest| rest.strip_suffix(')'))
                    .and_then(|digits| digits.split_once(','))
                    .ok_or_else(unknown)?;
                let precision = precision.trim().parse().map_err(|_| unknown())?;
                DataType::Decimal128(precision, scale.trim().parse().map_err(|_| unknown())?)
            }
        });
    }
    match value["type"].as_str() {
        Some("struct") => Ok(DataType::Struct(fields_of(value)?)),
        Some("array") => Ok(DataType::List(Arc::new(Field::new("element", type_of(&value["elementType"])?, true)))),
        Some("map") => {
            let fields: Fields = vec![
                Field::new("key", type_of(&value["keyType"])?, false),
                Field::new("value", type_of(&value["valueType"])?, true),
            ]
            .into();
            Ok(DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(fields), false)), false))
        }
        _ => Err(unknown()),
    }
}

/// Whether a column of the schema, at any depth, is a timestamp without zone: Delta asks for a table feature then.
pub(crate) fn has_naive_timestamps(schema: &Schema) -> bool {
    fn inside(data_type: &DataType) -> bool {
        match data_type {
            DataType::Timestamp(_, None) => true,
            DataType::List(item) | DataType::Map(item, _) => inside(item.data_type()),
            DataType::Struct(fields) => fields.iter().any(|field| inside(field.data_type())),
            _ => false,
        }
    }
    schema.fields().iter().any(|field| inside(field.data_type()))
}

/// The type that the engine reads a stored column as: views of text and bytes make joins and sorts copy less.
pub(crate) fn engine_schema(stored: &Schema) -> SchemaRef {
    let fields: Fields = stored
        .fields()
        .iter()
        .map(|field| {
            let data_type = match field.data_type() {
                DataType::Utf8 => DataType::Utf8View,
                DataType::Binary => DataType::BinaryView,
                other => other.clone(),
            };
            Field::new(field.name(), data_type, true)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// What differs between the columns that are expected and those found, one sentence each.
pub(crate) fn differences(expected: &Schema, found: &Schema) -> Vec<String> {
    let mut all = Vec::new();
    for field in expected.fields() {
        match found.field_with_name(field.name()) {
            Err(_) => all.push(format!("column '{}' ({}) is missing", field.name(), sql_type(field.data_type()))),
            Ok(other) if other.data_type() != field.data_type() => all.push(format!(
                "column '{}' is {}, expected {}",
                field.name(),
                sql_type(other.data_type()),
                sql_type(field.data_type())
            )),
            Ok(_) => {}
        }
    }
    for field in found.fields() {
        if expected.field_with_name(field.name()).is_err() {
            all.push(format!("column '{}' ({}) is not expected", field.name(), sql_type(field.data_type())));
        }
    }
    let names = |schema: &Schema| schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    if all.is_empty() && names(expected) != names(found) {
        all.push(format!("the columns come in another order: {}", names(found).join(", ")));
    }
    all
}

/// The name under which SQL users know a type.
pub(crate) fn sql_type(data_type: &DataType) -> String {
    match data_type {
        other if is_variant_type(other) => "variant".into(),
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "varchar".into(),
        DataType::Binary | DataType::BinaryView | DataType::LargeBinary => "binary".into(),
        DataType::Int8 => "tinyint".into(),
        DataType::Int16 => "smallint".into(),
        DataType::Int32 => "integer".into(),
        DataType::Int64 => "bigint".into(),
        DataType::Float32 => "real".into(),
        DataType::Float64 => "double".into(),
        DataType::Date32 => "date".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Timestamp(_, None) => "timestamp".into(),
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone".into(),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("decimal({precision},{scale})")
        }
        DataType::List(item) => format!("{}[]", sql_type(item.data_type())),
        other => other.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn delta_schema_strings_come_back_as_they_went() {
        let list = DataType::List(Arc::new(Field::new("element", DataType::Int64, true)));
        let schema = Schema::new(vec![
            Field::new("a", DataType::Utf8, true),
            Field::new("b", DataType::Decimal128(18, 2), true),
            Field::new("c", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
            Field::new("d", DataType::Timestamp(TimeUnit::Microsecond, None), true),
            Field::new("e", list.clone(), true),
            Field::new("f", DataType::Struct(vec![Field::new("x", list, true)].into()), true),
        ]);
        assert_eq!(*from_delta(&to_delta(&schema)).unwrap(), schema);
        assert!(has_naive_timestamps(&schema));
    }

    #[test]
    fn unsigned_types_are_stored_as_signed_ones() {
        assert_eq!(storable(&DataType::UInt64, "a").unwrap(), DataType::Int64);
        assert_eq!(storable(&DataType::UInt32, "a").unwrap(), DataType::Int64);
    }

    #[test]
    fn errors_name_the_column() {
        let error = storable(&DataType::Duration(TimeUnit::Second), "lag").unwrap_err();
        assert!(error.to_string().contains("'lag'"), "{error}");
        let twice = Schema::new(vec![Field::new("A", DataType::Int8, true), Field::new("a", DataType::Int8, true)]);
        assert!(storable_schema(&twice).unwrap_err().to_string().contains("'a'"));
    }

    #[test]
    fn differences_tell_missing_changed_new_and_order() {
        let schema = |columns: &[(&str, DataType)]| {
            Schema::new(columns.iter().map(|(name, t)| Field::new(*name, t.clone(), true)).collect::<Vec<_>>())
        };
        let expected = schema(&[("a", DataType::Int32), ("b", DataType::Utf8)]);
        assert_eq!(
            differences(&expected, &schema(&[("b", DataType::Int64), ("c", DataType::Utf8)])),
            [
                "column 'a' (integer) is missing",
                "column 'b' is bigint, expected varchar",
                "column 'c' (varchar) is not expected"
            ]
        );
        assert_eq!(
            differences(&expected, &schema(&[("b", DataType::Utf8), ("a", DataType::Int32)])),
            ["the columns come in another order: b, a"]
        );
    }
}
