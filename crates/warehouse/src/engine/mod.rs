//! The query engine over the warehouse's tables: DataFusion, told which version of which file list to read.

mod asking;
mod check;
mod context;
mod count_distinct;
mod first_row;
mod hashing;
mod held_joins;
mod info;
mod join_subquery;
mod lean_joins;
mod lean_pool;
mod meeting;
mod query;
mod sanity;
mod series;
mod session;
mod snowflake;
mod table;
mod unordered;

pub(crate) use context::{CATALOG, Stand, stored_schema};
pub(crate) use query::{Engine, Planned};
pub(crate) use series::Series;
pub(crate) use table::{FILE_NUMBER, FileTable, Version};
