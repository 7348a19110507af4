//! `materialized: table`: every run replaces all rows.

use millstream_core::warehouse::Stage;
use millstream_project::Node;

use super::{Decision, quoted};

pub(super) fn decide(node: &Node, sql: String) -> Decision {
    let run_sql = format!("create or replace table {} as (\n{sql}\n)", quoted(node));
    Decision::whole(Stage::Replace { sql }, run_sql)
}
