//! Tests of whole projects: literate cases under `cases/`, the reference project, and limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod finance;
mod kept;
mod limits;
mod literate;
mod manifest_shape;
mod profiles;
mod sandbox;
