//! `materialized: view`: the query is stored.

use millstream_core::warehouse::Stage;
use millstream_project::Node;

use super::{Decision, quoted};

pub(super) fn decide(node: &Node, sql: String) -> Decision {
    let run_sql = format!("create or replace view {} as (\n{sql}\n)", quoted(node));
    Decision::whole(Stage::View { sql }, run_sql)
}
