//! Rows of a unit test as SQL.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use millstream_core::warehouse::Dialect;
use millstream_core::{Error, Result};
use serde_json::{Map, Value};

use crate::cells;
use crate::materialize::{infer, quote};
use crate::sqltype::{arrow_type, sql_type};

/// Rows of a seed that may stand for itself.
const SEED_ROWS_MAX: usize = 10_000;

/// A query that gives these rows with the columns of what they stand for; what a row leaves out is null. Without
/// `schema` the columns are those of the rows, with types that hold their values.
pub(super) fn given(input: &str, rows: &Value, schema: Option<&Schema>, dialect: Dialect) -> Result<String> {
    let rows = objects(rows);
    let columns: Vec<(String, DataType)> = match schema {
        Some(schema) => {
            for name in names(&rows) {
                position(schema, &name).map_err(|error| error.context(format!("the rows of {input} do not fit")))?;
            }
            schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
        }
        None => names(&rows).into_iter().map(|name| (stored(&name, dialect), type_of(&rows, &name))).collect(),
    };
    if columns.is_empty() {
        return Err(Error::user(format!("the columns of {input} are not known"))
            .why("it is not built, its columns are not declared with a data_type, and no row is given")
            .hint("give one row, or build it once"));
    }
    Ok(query(&rows, &columns, dialect))
}

/// A query that gives the expected rows in the types of what the model gives.
pub(super) fn expected(rows: &Value, schema: &Schema, dialect: Dialect) -> Result<String> {
    let rows = objects(rows);
    let mut columns = Vec::new();
    for name in names(&rows) {
        let field = schema.field(position(schema, &name)?);
        columns.push((field.name().clone(), field.data_type().clone()));
    }
    if columns.is_empty() {
        columns = schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
    }
    Ok(query(&rows, &columns, dialect))
}

/// The rows of a seed.
pub(super) fn of_batch(batch: &RecordBatch, dialect: Dialect) -> Result<String> {
    if batch.num_rows() > SEED_ROWS_MAX {
        return Err(Error::user(format!(
            "a seed of more than {SEED_ROWS_MAX} rows cannot stand for itself in a unit test"
        ))
        .hint("give the rows that matter"));
    }
    let schema = batch.schema();
    let columns: Vec<(String, DataType)> =
        schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
    let mut rows = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let mut object = Map::new();
        for (column, (name, _)) in batch.columns().iter().zip(&columns) {
            let value = if column.is_null(row) { Value::Null } else { cells::text(column, row)?.into() };
            object.insert(name.clone(), value);
        }
        rows.push(object);
    }
    let rows: Vec<&Map<String, Value>> = rows.iter().collect();
    Ok(query(&rows, &columns, dialect))
}

/// Where the schema has this column, whatever its case.
pub(super) fn position(schema: &Schema, name: &str) -> Result<usize> {
    let fields = schema.fields();
    let exact = fields.iter().position(|field| field.name() == name);
    exact.or_else(|| fields.iter().position(|field| field.name().eq_ignore_ascii_case(name))).ok_or_else(|| {
        let known: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        Error::user(format!("there is no column '{name}'")).why(format!("the columns are {}", known.join(", ")))
    })
}

fn objects(rows: &Value) -> Vec<&Map<String, Value>> {
    rows.as_array().into_iter().flatten().filter_map(Value::as_object).collect()
}

/// The name of a column as it is stored. dbt writes it without quotes, so that its case says nothing to Snowflake.
pub(super) fn stored(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Native => name.to_owned(),
        Dialect::Snowflake => name.to_lowercase(),
    }
}

/// Every name that a row has, in the order of first use.
fn names(rows: &[&Map<String, Value>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in rows.iter().flat_map(|row| row.keys()) {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.clone());
        }
    }
    names
}

fn value<'a>(row: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    row.get(name).or_else(|| row.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The type of a column that nothing else tells: that of its values. Text stays text, as YAML has it.
fn type_of(rows: &[&Map<String, Value>], name: &str) -> DataType {
    let values: Vec<&Value> = rows.iter().filter_map(|row| value(row, name)).filter(|value| !value.is_null()).collect();
    let is_text = |value: &&Value| value.is_string() || value.is_object() || value.is_array();
    if values.is_empty() || values.iter().any(is_text) {
        return DataType::Utf8;
    }
    let texts: Vec<String> = values.iter().map(|value| value.to_string()).collect();
    let cells: Vec<Option<&str>> = texts.iter().map(|text| Some(text.as_str())).collect();
    infer(&cells)
}

fn query(rows: &[&Map<String, Value>], columns: &[(String, DataType)], dialect: Dialect) -> String {
    let literal = match dialect {
        Dialect::Native => literal,
        Dialect::Snowflake => snowflake_literal,
    };
    let select = |row: Option<&Map<String, Value>>| {
        let cells = columns.iter().map(|(name, data_type)| {
            let given = row.and_then(|row| value(row, name)).unwrap_or(&Value::Null);
            format!("{} as {}", literal(given, data_type), quote(name))
        });
        format!("select {}", cells.collect::<Vec<_>>().join(", "))
    };
    if rows.is_empty() {
        return format!("{} where false", select(None));
    }
    rows.iter().map(|row| select(Some(row))).collect::<Vec<_>>().join("\nunion all\n")
}

/// A value in the type of its column.
fn literal(value: &Value, data_type: &DataType) -> String {
    let text = match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => quoted(text),
        Value::Array(items) if matches!(data_type, DataType::List(_) | DataType::LargeList(_)) => {
            let (DataType::List(item) | DataType::LargeList(item)) = data_type else { return "null".into() };
            let items: Vec<String> = items.iter().map(|value| literal(value, item.data_type())).collect();
            return format!("make_array({})", items.join(", "));
        }
        other => quoted(&other.to_string()),
    };
    let name = sql_type(data_type);
    let is_sql = arrow_type(&name).as_ref() == Some(data_type) && !name.starts_with('u');
    if is_sql {
        format!("cast({text} as {name})")
    } else if matches!(data_type, DataType::Utf8View | DataType::LargeUtf8) {
        format!("cast({text} as varchar)")
    } else {
        format!("arrow_cast({text}, '{}')", data_type.to_string().replace('\'', "''"))
    }
}

/// The same in Snowflake's SQL. A list, a mapping or a number is what it is in a VARIANT; a text is a text there, as dbt
/// casts it.
fn snowflake_literal(value: &Value, data_type: &DataType) -> String {
    let text = match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => quoted(text),
        other => quoted(&other.to_string().replace('\\', "\\\\")),
    };
    match (sql_type(data_type).as_str(), value) {
        ("variant", Value::Null | Value::String(_)) => format!("cast({text} as variant)"),
        ("variant", _) => format!("parse_json({text})"),
        // Numbers of rows have no sign in the engine; the caller brings what comes to the type that it wants.
        ("utinyint" | "usmallint" | "uinteger" | "ubigint", _) => format!("cast({text} as bigint)"),
        (name, _) => format!("cast({text} as {name})"),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::datatypes::Field;
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_get_the_columns_and_types_of_what_they_stand_for() {
        let schema =
            Schema::new(vec![Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)]);
        let rows = json!([{"ID": 1}, {"name": "it's", "id": null}]);
        assert_eq!(
            given("ref('x')", &rows, Some(&schema), Dialect::Native).unwrap(),
            "select cast('1' as bigint) as \"id\", cast(null as varchar) as \"name\"\nunion all\n\
             select cast(null as bigint) as \"id\", cast('it''s' as varchar) as \"name\""
        );
        assert!(
            given("ref('x')", &json!([]), Some(&schema), Dialect::Native).unwrap().ends_with("\"name\" where false")
        );
        let wrong = given("ref('x')", &json!([{"nam": 1}]), Some(&schema), Dialect::Native).unwrap_err();
        assert!(wrong.to_string().contains("there is no column 'nam'"), "{wrong}");
    }

    #[test]
    fn rows_are_in_the_dialect_of_the_model() {
        let variant = DataType::Struct(vec![Field::new("variant", DataType::Utf8, true)].into());
        let schema = Schema::new(vec![Field::new("n", DataType::UInt64, true), Field::new("v", variant, true)]);
        for (row, wanted) in [
            (json!({"N": 1, "v": {"a": "x\"y"}}), r#"cast('1' as bigint) as "n", parse_json('{"a":"x\\"y"}') as "v""#),
            (json!({"v": "[1]"}), r#"cast(null as bigint) as "n", cast('[1]' as variant) as "v""#),
            (json!({"v": 1.5}), r#"cast(null as bigint) as "n", parse_json('1.5') as "v""#),
            (json!({}), r#"cast(null as bigint) as "n", cast(null as variant) as "v""#),
        ] {
            let sql = given("ref('x')", &json!([row]), Some(&schema), Dialect::Snowflake).unwrap();
            assert_eq!(sql, format!("select {wanted}"));
        }
        let sql = given("ref('x')", &json!([{"Id": 1}]), None, Dialect::Snowflake).unwrap();
        assert_eq!(sql, "select cast('1' as bigint) as \"id\"");
    }

    #[test]
    fn without_a_schema_values_tell_the_types() {
        let rows = json!([{"a": 1, "b": "2"}, {"a": 2.5, "c": true}]);
        let sql = given("ref('x')", &rows, None, Dialect::Native).unwrap();
        assert!(sql.starts_with("select cast('1' as decimal(18,1)) as \"a\", cast('2' as varchar) as \"b\""), "{sql}");
        assert!(sql.ends_with("cast('true' as boolean) as \"c\""), "{sql}");
        assert!(given("ref('x')", &json!([]), None, Dialect::Native).unwrap_err().to_string().contains("not known"));
    }
}
