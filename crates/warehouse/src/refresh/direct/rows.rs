//! A test that asks each row of one table for itself: `not_null`, `accepted_values`, an expression that must be true.
//!
//! Rows that go take nothing but rows of the result away, so that those that came alone tell.

use datafusion::logical_expr::LogicalPlan;
use millstream_core::Result;

use super::side::{Moved, Side};
use crate::engine::Engine;

/// The rows that fail.
#[derive(Debug, Clone)]
pub(super) struct RowTest {
    pub failing: Side,
}

impl RowTest {
    pub(super) fn of(engine: &Engine, plan: &LogicalPlan) -> Option<Self> {
        let failing = Side::of(engine, plan, Vec::new(), Vec::new()).filter(Side::chooses)?;
        Some(Self { failing })
    }

    pub(super) async fn is_clean(&self, engine: &Engine, table: &Moved) -> Result<bool> {
        let failing = self.failing.came(engine, table).await?;
        Ok(failing.is_some_and(|failing| failing.rows == 0))
    }
}
