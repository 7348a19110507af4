//! A dbt project folder in, a [`Manifest`] and every diagnostic out; then selection and compilation of its nodes.
//!
//! Guarantees:
//! - [`load`] tells *all* problems of a project at once, each with file, line, column and a way to fix it.
//! - The same files and options give the same manifest, byte for byte.
//! - Property precedence is dbt's: `config()` in the file, then `config:` in yml, then `dbt_project.yml`.
//!
//! Deliberately absent: anything that runs SQL, reads the process environment or the clock, or writes a file.
//! The command line passes those in [`LoadOptions`]; the runner carries plans out.

mod assemble;
mod cache;
mod compile;
mod config;
mod files;
mod graph;
mod ignore;
pub mod limits;
mod load;
mod manifest;
mod names;
mod options;
mod package;
mod package_list;
mod parse;
mod project;
mod resolve;
mod select;
mod state;
mod target;
mod workers;
mod yaml;

pub use cache::ParseCache;
pub use millstream_jinja::DBT_VERSION;

pub use compile::{Batch, CompileOptions, CompiledNode, Cte, Deferred, GivenRows, Materialization, Reading, Window};
pub use load::{load, load_target};
pub use manifest::{
    Access, Checksum, Column, Compiled, Constraint, Contract, DependsOn, Doc, Docs, Exposure, Freshness,
    FreshnessThreshold, Group, Hook, Macro, MacroArgument, Manifest, Metadata, Naming, Node, NodeConfig,
    OnSchemaChange, Owner, RefArgs, ResourceType, Semantic, SnapshotColumnNames, SourceNode, TestMetadata,
    TestSeverity, UnitTest, UnitTestRows,
};
pub use options::LoadOptions;
pub use package_list::{PackageFolder, PackageSource, PackageSpec, read_package_folder, read_package_list};
pub use project::{Project, ProjectConfig};
pub use select::{IndirectSelection, Selected, Selection};
pub use state::State;
pub use target::Target;
