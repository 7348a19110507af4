//! Rows of a unit test as SQL.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use millstream_core::{Error, Result};
use serde_json::{Map, Value};

use crate::cells;
use crate::materialize::{infer, quote};
use crate::sqltype::{arrow_type, sql_type};

/// Rows of a seed that may stand for itself.
const SEED_ROWS_MAX: usize = 10_000;

/// A query that gives these rows with the columns of what they stand for; what a row leaves out is null. Without
/// `schema` the columns are those of the rows, with types that hold their values.
pub(super) fn given(input: &str, rows: &Value, schema: Option<&Schema>) -> Result<String> {
    let rows = objects(rows);
    let columns: Vec<(String, DataType)> = match schema {
        Some(schema) => {
            for name in names(&rows) {
                position(schema, &name).map_err(|error| error.context(format!("the rows of {input} do not fit")))?;
            }
            schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
        }
        None => names(&rows).into_iter().map(|name| (name.clone(), type_of(&rows, &name))).collect(),
    };
    if columns.is_empty() {
        return Err(Error::user(format!("the columns of {input} are not known"))
            .why("it is not built, its columns are not declared with a data_type, and no row is given")
            .hint("give one row, or build it once"));
    }
    Ok(query(&rows, &columns))
}

/// A query that gives the expected rows in the types of what the model gives.
pub(super) fn expected(rows: &Value, schema: &Schema) -> Result<String> {
    let rows = objects(rows);
    let mut columns = Vec::new();
    for name in names(&rows) {
        let field = schema.field(position(schema, &name)?);
        columns.push((field.name().clone(), field.data_type().clone()));
    }
    if columns.is_empty() {
        columns = schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
    }
    Ok(query(&rows, &columns))
}

/// The rows of a seed.
pub(super) fn of_batch(batch: &RecordBatch) -> Result<String> {
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
    Ok(query(&rows, &columns))
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
    if values.iter().any(|value| value.is_string() || value.is_object() || value.is_array()) {
        return DataType::Utf8;
    }
    let texts: Vec<String> = values.iter().map(|value| value.to_string()).collect();
    let cells: Vec<Option<&str>> = texts.iter().map(|text| Some(text.as_str())).collect();
    infer(&cells)
}

fn query(rows: &[&Map<String, Value>], columns: &[(String, DataType)]) -> String {
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
            given("ref('x')", &rows, Some(&schema)).unwrap(),
            "select cast('1' as bigint) as \"id\", cast(null as varchar) as \"name\"\nunion all\n\
             select cast(null as bigint) as \"id\", cast('it''s' as varchar) as \"name\""
        );
        assert!(given("ref('x')", &json!([]), Some(&schema)).unwrap().ends_with("\"name\" where false"));
        let wrong = given("ref('x')", &json!([{"nam": 1}]), Some(&schema)).unwrap_err();
        assert!(wrong.to_string().contains("there is no column 'nam'"), "{wrong}");
    }

    #[test]
    fn without_a_schema_values_tell_the_types() {
        let rows = json!([{"a": 1, "b": "2"}, {"a": 2.5, "c": true}]);
        let sql = given("ref('x')", &rows, None).unwrap();
        assert!(sql.starts_with("select cast('1' as decimal(18,1)) as \"a\", cast('2' as varchar) as \"b\""), "{sql}");
        assert!(sql.ends_with("cast('true' as boolean) as \"c\""), "{sql}");
        assert!(given("ref('x')", &json!([]), None).unwrap_err().to_string().contains("not known"));
    }
}
