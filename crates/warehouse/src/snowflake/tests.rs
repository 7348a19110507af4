//! Functions through whole queries of the engine: the registry laid over a plain session.
#![allow(clippy::unwrap_used)]

use arrow::array::AsArray;
use arrow::array::{Array, ArrayRef};
use datafusion::prelude::{SessionConfig, SessionContext};
use millstream_core::Result;

use super::functions;
use crate::error::from_engine;

/// A session in which names mean Snowflake's functions.
fn session() -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(2);
    config.options_mut().sql_parser.parse_float_as_decimal = true;
    let session = SessionContext::new_with_config(config);
    let all = functions();
    for function in all.scalar.values() {
        session.register_udf(function.as_ref().clone());
    }
    for (name, function) in &all.aggregate {
        if function.name() == name {
            session.register_udaf(function.as_ref().clone());
        } else {
            session.register_udaf(function.as_ref().clone().with_aliases([name.as_str()]));
        }
    }
    for function in all.window.values() {
        session.register_udwf(function.as_ref().clone());
    }
    session
}

fn shown(column: &ArrayRef, row: usize) -> String {
    if let Some(list) = column.as_list_opt::<i32>() {
        let items = list.value(row);
        let items: Vec<String> = (0..items.len()).map(|item| shown(&items, item)).collect();
        return format!("[{}]", items.join("; "));
    }
    if let Some(fields) = column.as_struct_opt()
        && !super::is_variant_type(column.data_type())
    {
        let fields: Vec<String> = fields.columns().iter().map(|field| shown(field, row)).collect();
        return format!("({})", fields.join(" "));
    }
    let texts = if super::is_variant_type(column.data_type()) {
        super::cast::json_text(column).unwrap()
    } else {
        super::cast::to_text(column).unwrap()
    };
    texts.get(row).unwrap_or("NULL").to_owned()
}

/// The rows of a query, values parted by `|`.
fn rows(sql: &str) -> Result<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let batches = runtime.block_on(async {
        let frame = session().sql(sql).await.map_err(from_engine)?;
        frame.collect().await.map_err(from_engine)
    })?;
    let mut all = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let values: Vec<String> = batch.columns().iter().map(|column| shown(column, row)).collect();
            all.push(values.join("|"));
        }
    }
    Ok(all)
}

/// The only row of a select.
fn one(expressions: &str) -> String {
    match rows(&format!("select {expressions}")) {
        Ok(rows) => rows.join(" / "),
        Err(error) => format!("error: {error} {}", error.causes().join(" ")),
    }
}

fn check(cases: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (sql, wanted) in cases {
        let found = one(sql);
        let right = match wanted.strip_prefix("error: ") {
            Some(part) => found.starts_with("error: ") && found.contains(part),
            None => found == *wanted,
        };
        if !right {
            wrong.push_str(&format!("\n{sql}\n  wanted {wanted}\n  found  {found}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

mod aggregates;
mod conditional;
mod dates;
mod numbers;
mod semi;
mod strings;
