//! The seam to randomness: ids of runs.

/// Makes ids of runs.
pub trait Ids: Send + Sync {
    /// A UUID that no run had before.
    fn invocation_id(&self) -> String;
}

/// Random UUIDs (version 4).
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn invocation_id(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}
