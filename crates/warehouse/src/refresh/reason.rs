//! Why a plan cannot be refreshed from changes.

use datafusion::error::DataFusionError;

/// What stands in the way of a derivation: told in `explain` and in the table's history. Never an error of the
/// refresh, which is made whole then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason(pub(crate) String);

impl Reason {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<DataFusionError> for Reason {
    fn from(error: DataFusionError) -> Self {
        Self(format!("the changes cannot be planned: {}", error.strip_backtrace()))
    }
}

/// Something derived, or why it cannot be.
pub(super) type Derived<T> = std::result::Result<T, Reason>;
