//! Options of every command, accepted before and after its name.

use std::path::PathBuf;

use clap::Args;

use super::dbt::PassedOver;
use crate::talk::{LogFormat, LogLevel};

/// Where the SQL of a target of another warehouse's type runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineChoice {
    /// On the embedded warehouse.
    Local,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct GlobalOptions {
    /// Folder of the project [default: the nearest folder upwards that has a dbt_project.yml]
    #[arg(long, value_name = "DIR", global = true, env = "DBT_PROJECT_DIR", hide_env = true)]
    #[arg(help_heading = "Project options")]
    pub project_dir: Option<PathBuf>,

    /// Folder of profiles.yml [default: DBT_PROFILES_DIR, the project folder, ~/.dbt]
    #[arg(long, value_name = "DIR", global = true, help_heading = "Project options")]
    pub profiles_dir: Option<PathBuf>,

    /// Profile to use instead of the project's
    #[arg(long, value_name = "NAME", global = true, env = "DBT_PROFILE", hide_env = true)]
    #[arg(help_heading = "Project options")]
    pub profile: Option<String>,

    /// Target of the profile to use instead of its default
    #[arg(short, long, value_name = "NAME", global = true, env = "DBT_TARGET", hide_env = true)]
    #[arg(help_heading = "Project options")]
    pub target: Option<String>,

    /// Where a Snowflake target runs: local is the embedded warehouse (also: MILLSTREAM_ENGINE=local)
    #[arg(long, value_enum, value_name = "ENGINE", global = true, env = "MILLSTREAM_ENGINE", hide_env = true)]
    #[arg(help_heading = "Project options", hide_possible_values = true)]
    pub engine: Option<EngineChoice>,

    /// Variables for the project, as YAML or JSON: '{fiscal_year_start_month: 4}'
    #[arg(long, value_name = "YAML", global = true, help_heading = "Project options")]
    pub vars: Option<String>,

    /// Read every file of the project, even when none has changed since it was read last
    #[arg(long, global = true, help_heading = "Project options", overrides_with = "partial_parse")]
    pub no_partial_parse: bool,

    /// The default, for scripts that say it.
    #[arg(long, global = true, hide = true, help_heading = "Project options", overrides_with = "no_partial_parse")]
    pub partial_parse: bool,

    /// Nodes at a time [default: the target's]
    #[arg(long, value_name = "N", global = true, value_parser = super::value::positive)]
    #[arg(help_heading = "Project options")]
    pub threads: Option<usize>,

    /// Memory that queries may use together; what does not fit is spilled: 2GiB, 500MB [default: a quarter of the machine]
    #[arg(long, value_name = "SIZE", global = true, value_parser = super::value::bytes, env = "MILLSTREAM_MEMORY_LIMIT")]
    #[arg(help_heading = "Project options", hide_env = true)]
    pub memory_limit: Option<usize>,

    /// Folder of artefacts and compiled SQL [default: the project's target-path]
    #[arg(long, value_name = "DIR", global = true, env = "DBT_TARGET_PATH", hide_env = true)]
    #[arg(help_heading = "Project options")]
    pub target_path: Option<PathBuf>,

    /// Say nothing but errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,

    /// No colours (also: NO_COLOR=1)
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_color: bool,

    /// Show the libraries' own logs: off, error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL", global = true, default_value = "off", help_heading = "Global options")]
    #[arg(hide_possible_values = true)]
    pub log_level: LogLevel,

    /// Form of the lines on standard error: text, json
    #[arg(long, value_name = "FORMAT", global = true, default_value = "text", help_heading = "Global options")]
    #[arg(hide_possible_values = true)]
    pub log_format: LogFormat,

    /// Flags of dbt that mean nothing here.
    #[command(flatten)]
    pub passed_over: PassedOver,
}
