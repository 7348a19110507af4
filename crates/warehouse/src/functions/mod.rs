//! SQL functions that dbt projects use and the engine does not have. One file each.

use datafusion::execution::session_state::SessionState;

/// Makes them known to a session.
pub(crate) fn register(_state: &mut SessionState) {}
