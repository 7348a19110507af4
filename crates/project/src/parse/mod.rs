//! From the file set to the manifest's elements.
//!
//! Guarantees: every element is looked at, whatever is wrong with others; problems go to one list of diagnostics.
//! Deliberately absent: resolving names across elements, which is [`crate::resolve`]'s.

pub(crate) mod columns;
pub(crate) mod describe;
pub(crate) mod docs;
pub(crate) mod draft;
pub(crate) mod exposures;
pub(crate) mod generic_tests;
pub(crate) mod groups;
pub(crate) mod loading;
pub(crate) mod macros;
pub(crate) mod nodes;
pub(crate) mod operations;
pub(crate) mod overrides;
pub(crate) mod properties;
pub(crate) mod python;
pub(crate) mod python_model;
pub(crate) mod relation_names;
pub(crate) mod semantic;
pub(crate) mod sources;
pub(crate) mod unit_tests;
pub(crate) mod versions;

pub(crate) use loading::Loading;
