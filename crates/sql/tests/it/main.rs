//! Tests of rewrites as users and reviewers read them: SQL in, the engine's SQL out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod snowflake;
