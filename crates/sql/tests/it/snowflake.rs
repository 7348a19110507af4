//! `snowflake/*.md`: queries in Snowflake's dialect and what they become, or the error that they give.
//!
//! Each case is a block of SQL and a block that follows it: `sql` for the rewritten text, `error` for the whole
//! message. Tables: `orders (id, customer_id, amount, status, ordered_at, data)`, `customers (id, name)` in the schema
//! `shop`, which is the default one. Run with `UPDATE=1` to write what is found into the files, then read the diff.

use std::path::Path;

use millstream_core::Result;
use millstream_core::warehouse::Dialect;
use millstream_sql::snowflake::{PivotValue, Schemas, SessionValue, rewrite};
use millstream_sql::{Query, parse_one_in};

struct Shop;

impl Schemas for Shop {
    fn columns(&self, parts: &[String]) -> Option<Vec<String>> {
        let name = match parts {
            [name] => name,
            [schema, name] if schema == "shop" => name,
            _ => return None,
        };
        let columns = match name.as_str() {
            "orders" => ["id", "customer_id", "amount", "status", "ordered_at", "data"].as_slice(),
            "customers" => &["id", "name"],
            _ => return None,
        };
        Some(columns.iter().map(|column| (*column).to_owned()).collect())
    }
    fn is_function(&self, name: &str) -> bool {
        self.functions().iter().any(|known| known == name)
    }
    fn is_aggregate(&self, name: &str) -> bool {
        ["sum", "count", "max", "min", "avg", "listagg", "array_agg", "percentile_cont"].contains(&name)
    }
    fn functions(&self) -> Vec<String> {
        let all = "sum count max min avg upper lower coalesce dateadd datediff date_trunc last_day trunc listagg array_agg \
                   row_number first_value lag iff random hash object_construct current_timestamp nullifzero parse_json \
                   percentile_cont dense_rank";
        all.split_whitespace().map(str::to_owned).collect()
    }
    fn session(&self, value: SessionValue) -> Option<String> {
        (value == SessionValue::Schema).then(|| "SHOP".to_owned())
    }
    fn values(&self, query: &Query) -> Result<Vec<PivotValue>> {
        Ok(vec![PivotValue::Text(format!("asked: {query}"))])
    }
}

fn outcome(sql: &str) -> (&'static str, String) {
    let rewritten = parse_one_in(Dialect::Snowflake, sql).and_then(|mut statement| {
        rewrite(&mut statement, &Shop)?;
        Ok(statement.to_string())
    });
    match rewritten {
        Ok(text) => ("sql", text),
        Err(error) => ("error", error.to_string()),
    }
}

#[test]
fn queries_become_what_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snowflake");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut problems = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut written = String::new();
        let mut asked: Option<String> = None;
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else {
                written.push_str(line);
                written.push('\n');
                continue;
            };
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let block = block.join("\n");
            match asked.take() {
                None => {
                    written.push_str(&format!("```{kind}\n{block}\n```\n"));
                    asked = Some(block);
                }
                Some(sql) => {
                    let (found_kind, found) = outcome(&sql);
                    written.push_str(&format!("```{found_kind}\n{found}\n```\n"));
                    if (kind, block.as_str()) != (found_kind, found.as_str()) {
                        problems.push_str(&format!(
                            "\n{}:\n{sql}\n--- expected {kind}:\n{block}\n--- found {found_kind}:\n{found}\n",
                            file.display()
                        ));
                    }
                }
            }
        }
        assert!(asked.is_none(), "{}: the last case has no result", file.display());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, written).unwrap();
        }
    }
    assert!(problems.is_empty(), "{problems}");
}
