//! dbt-flavoured Jinja: loads macros, finds out what a template depends on, and renders it.
//!
//! Guarantees: what dbt 1.11 gives templates has the same name and meaning here (COMPAT.md lists what is missing);
//! Python's habits are kept (`True`, `None`, mutable lists and dicts, methods of strings, lists and dicts);
//! every error tells file, line, column and the macros that led there; every rendering ends, within [`Limits`].
//! Nothing here reads files, the clock or the process environment: the caller gives all of it.
//!
//! Deliberately absent: SQL. Text comes out; what it means is for the crates below.

pub mod adapter;
pub mod blocks;
mod builtins;
pub mod bundled;
mod column;
mod context;
mod dispatch;
mod environment;
mod hint;
pub mod limits;
mod load;
mod options;
mod parsed;
mod reads;
mod relation;
mod syntax;
mod text_map;
mod value;
mod vm;

pub use adapter::{Adapter, NoAdapter, Response, Table, TableColumn};
pub use blocks::{Block, BlockKind, extract_blocks};
pub use column::Column;
pub use context::{Overrides, ParseContext, RenderContext, Resolver, Template, ValueScope, Varies};
pub use environment::{Environment, MacroCall, MacroInfo, MacroKind, TestCall};
pub use limits::Limits;
pub use options::{EnvironmentOptions, MacroFile, Vars};
pub use parsed::{Parsed, RefCall, SourceCall};
pub use reads::Reads;
pub use relation::{Parts, Relation, RelationKind};
pub use text_map::{TextMap, TextOrigin};

/// The dbt version whose behaviour templates see as `dbt_version`.
pub const DBT_VERSION: &str = "1.11.0";
