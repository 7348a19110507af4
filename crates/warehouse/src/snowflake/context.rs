//! Functions that tell about the session. Sources: Snowflake's pages "Context functions" and "CURRENT_TIMESTAMP".
//!
//! The time is the query's, from the warehouse's clock; the session's zone is UTC. There are no accounts and roles:
//! their functions give fixed names that say so.

use arrow::array::{ArrayRef, StringArray};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::simplify::SimplifyContext;
use std::sync::Arc;

use super::scalar::{Call, Function, date, function, never, text};
use super::time::{days_of, micros_of_day};
use super::types;

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["current_timestamp", "getdate", "systimestamp", "localtimestamp"], 0, 1, |_| Ok(types::tz()), never)
        .stable()
        .rewritten(now),
    function(&["sysdate"], 0, 0, |_| Ok(types::ntz()), never).stable().rewritten(now),
    function(&["current_date"], 0, 0, date, never).stable().rewritten(now),
    function(&["current_time", "localtime"], 0, 1, |_| Ok(types::time()), never).stable().rewritten(now),
    function(
        &[
            "current_user",
            "current_role",
            "current_warehouse",
            "current_account",
            "current_account_name",
            "current_organization_name",
            "current_region",
            "current_session",
            "current_version",
            "current_client",
            "current_ip_address",
            "current_transaction",
            "current_statement",
            "current_secondary_roles",
            "current_available_roles",
        ],
        0,
        0,
        text,
        fixed,
    ),
];

fn now(name: &str, _args: Vec<Expr>, info: &SimplifyContext) -> Result<Expr> {
    let micros = info
        .query_execution_start_time()
        .ok_or_else(|| DataFusionError::Internal(format!("{name}: the query has no time")))?
        .timestamp_micros();
    let value = match name {
        "sysdate" => ScalarValue::TimestampMicrosecond(Some(micros), None),
        "current_date" => ScalarValue::Date32(Some(days_of(micros))),
        "current_time" | "localtime" => ScalarValue::Time64Microsecond(Some(micros_of_day(micros))),
        _ => ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())),
    };
    Ok(Expr::Literal(value, None))
}

fn fixed(call: &Call<'_>) -> Result<ArrayRef> {
    let value = match call.name {
        "current_user" | "current_role" | "current_warehouse" => Some("MILLSTREAM"),
        "current_account" | "current_account_name" | "current_organization_name" | "current_region" => Some("LOCAL"),
        "current_session" => Some("1"),
        "current_version" => Some(env!("CARGO_PKG_VERSION")),
        "current_client" => Some("millstream"),
        _ => None,
    };
    Ok(Arc::new(StringArray::from(vec![value; call.rows])))
}
