//! Configuration: `dbt_project.yml`, `profiles.yml`, packages, and how levels of settings merge.

pub(crate) mod known;
pub(crate) mod merge;
pub(crate) mod packages;
pub(crate) mod profiles;
pub(crate) mod project_file;
pub(crate) mod render;
mod shared;
pub(crate) mod tree;
pub(crate) mod typed;
pub(crate) mod vars;
pub(crate) mod version;

pub(crate) use project_file::ProjectFile;
pub(crate) use shared::Configs;
