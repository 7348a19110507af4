//! From bytes to Arrow: scanners find records and values, column decoders read and check them.

pub(crate) mod column;
pub(crate) mod csv;
pub(crate) mod fields;
pub(crate) mod json;
pub(crate) mod number;
pub(crate) mod rows;
pub(crate) mod text;
pub(crate) mod time;
