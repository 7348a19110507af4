//! What a declaration may say, and every way in which it may be wrong.

use serde_json::{Value, json};

use super::*;
use millstream_core::Place;

fn parse(meta: Value, columns: &[(&str, Option<&str>, Value)]) -> Result<Contract, Vec<String>> {
    let columns = columns
        .iter()
        .map(|(name, data_type, meta)| ColumnDecl {
            name: (*name).to_owned(),
            data_type: data_type.map(str::to_owned),
            meta: meta.clone(),
            place: None,
        })
        .collect();
    let decl = SourceDecl {
        table: TableName::new("raw", "orders"),
        meta,
        columns,
        place: Place::line("models/sources.yml", 7),
    };
    Contract::parse(&decl).map_err(|problems| problems.into_iter().map(|problem| problem.to_string()).collect())
}

fn problems(meta: Value, columns: &[(&str, Option<&str>, Value)]) -> Vec<String> {
    parse(meta, columns).err().unwrap_or_default()
}

const ID: (&str, Option<&str>, Value) = ("id", Some("bigint"), Value::Null);

#[test]
fn all_problems_are_told_at_once_with_place_and_hint() {
    let meta = json!({"connector": "file", "pth": "x", "header": "exactly", "max_error_share": 5, "delimiter": "ab"});
    let told = problems(
        meta,
        &[
            ("a", Some("decimal"), Value::Null),
            ("b", Some("varchar"), json!({"requird": true, "min": 1, "regex": "("})),
            ("c", None, Value::Null),
            ("d", Some("integer"), json!({"allowed": ["x"], "format": "uuid", "min": 5, "max": 1.5})),
            ("B", Some("date"), json!({"min": "2025-02-30", "list_of": "x"})),
            ("source_line", Some("date"), Value::Null),
        ],
    );
    for expected in [
        "key 'path' is missing",
        "key 'pth' is not known\n  --> models/sources.yml:7\n  fix: did you mean 'path'?",
        "header 'exactly' is not known; it is one of exact, reordered, superset\n  --> models/sources.yml:7\n  fix: did you mean 'exact'?",
        "max_error_share 5 is not a share",
        "delimiter must be one ASCII character",
        "column a of raw.orders: type 'decimal' must say its digits",
        "column b of raw.orders: key 'requird' is not known",
        "column b of raw.orders: rule 'min' does not apply to a text column",
        "column b of raw.orders: regex cannot be read",
        "column c of raw.orders: data_type is missing",
        "column d of raw.orders: allowed: 'x' is not a whole number",
        "column d of raw.orders: rule 'format' does not apply to a integer column",
        "column d of raw.orders: max: '1.5' is not a whole number",
        "column B of raw.orders is declared twice",
        "column B of raw.orders: min: '2025-02-30' is not a date",
        "column B of raw.orders: list_of must be a list",
    ] {
        assert!(told.iter().any(|problem| problem.contains(expected)), "{expected}\n{told:#?}");
    }
    assert_eq!(told.len(), 16, "{told:#?}");
}

#[test]
fn a_file_source_has_defaults_and_its_two_columns() {
    let contract = parse(json!({"connector": "file", "path": "in/*.csv"}), &[ID]).ok();
    let Some((contract, SourceKind::File(source))) = contract.as_ref().map(|c| (c, c.source())) else {
        unreachable!("a good declaration")
    };
    assert_eq!((source.header, source.max_error_share, source.delimiter), (HeaderPolicy::Exact, 0.05, b','));
    let names: Vec<String> = contract.raw_schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["id", "source_file", "source_line"]);
    assert_eq!(contract.quarantine_table().to_string(), "quarantine.orders");
}

#[test]
fn a_kafka_source_never_shows_its_properties() {
    let properties = json!({"sasl.password": "hunter2", "fetch.min.bytes": 5});
    let meta = json!({"connector": "kafka", "brokers": "b:1", "topic": "t", "properties": properties});
    let contract = parse(meta, &[ID]).ok();
    let shown = format!("{contract:?}");
    assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
    let told = problems(json!({"connector": "kafka", "brokers": "b:1", "topic": "t", "properties": "hunter2"}), &[ID]);
    assert!(told[0].contains("properties must be a mapping") && !told[0].contains("hunter2"), "{told:?}");
}

#[test]
fn bounds_are_exact() {
    let columns = [("a", Some("decimal(18,2)"), json!({"min": -0.01, "max": "0.3"}))];
    let contract = parse(json!({"connector": "file", "path": "x"}), &columns).ok();
    let rules = contract.as_ref().map(|contract| &contract.columns()[0].rules);
    assert_eq!(rules.and_then(|rules| rules.min.as_ref()).map(|bound| bound.value), Some(-1));
    assert_eq!(rules.and_then(|rules| rules.max.as_ref()).map(|bound| bound.value), Some(30));
    let too_fine =
        problems(json!({"connector": "file", "path": "x"}), &[("a", Some("decimal(18,2)"), json!({"min": 0.001}))]);
    assert!(too_fine[0].contains("more than 2 digits after the point"), "{too_fine:?}");
}

#[test]
fn names_of_our_own_columns_are_taken() {
    let told = problems(json!({"connector": "file", "path": "x"}), &[("SOURCE_line", Some("date"), Value::Null)]);
    assert!(told[0].contains("Millstream adds a column of this name itself"), "{told:?}");
}

#[test]
fn no_columns_or_connector_is_a_problem() {
    assert!(problems(json!({"connector": "file", "path": "x"}), &[])[0].contains("declares no columns"));
    assert!(problems(json!({}), &[ID])[0].contains("key 'connector' is missing"));
    assert!(problems(json!({"connector": "ftp"}), &[ID])[0].contains("one of file, kafka"));
    assert!(problems(json!([1]), &[ID])[0].contains("must be a mapping"));
}
