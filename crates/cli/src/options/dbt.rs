//! Flags of dbt's command line that mean nothing here, so that scripts written for dbt run unchanged.
//!
//! Each is about something that this program does not have: telemetry, log files, a relation cache.

use std::path::PathBuf;

use clap::Args;

/// Taken and passed over.
#[allow(dead_code)] // that nobody reads them is their meaning
#[derive(Debug, Clone, Default, Args)]
pub struct PassedOver {
    #[arg(long, global = true, hide = true)]
    static_parser: bool,
    #[arg(long, global = true, hide = true)]
    no_static_parser: bool,
    #[arg(long, global = true, hide = true)]
    version_check: bool,
    #[arg(long, global = true, hide = true)]
    no_version_check: bool,
    #[arg(long, global = true, hide = true)]
    send_anonymous_usage_stats: bool,
    #[arg(long, global = true, hide = true)]
    no_send_anonymous_usage_stats: bool,
    #[arg(long, global = true, hide = true)]
    populate_cache: bool,
    #[arg(long, global = true, hide = true)]
    no_populate_cache: bool,
    #[arg(long, global = true, hide = true)]
    cache_selected_only: bool,
    #[arg(long, global = true, hide = true)]
    no_cache_selected_only: bool,
    #[arg(long, global = true, hide = true)]
    use_colors: bool,
    #[arg(long, global = true, hide = true)]
    no_use_colors: bool,
    #[arg(long, global = true, hide = true)]
    use_colors_file: bool,
    #[arg(long, global = true, hide = true)]
    no_use_colors_file: bool,
    #[arg(long, global = true, hide = true)]
    introspect: bool,
    #[arg(long, global = true, hide = true)]
    write_json: bool,
    #[arg(long, global = true, hide = true)]
    show_resource_report: bool,
    #[arg(short = 'd', long, global = true, hide = true)]
    debug: bool,
    #[arg(long, global = true, hide = true)]
    no_debug: bool,
    #[arg(long, global = true, hide = true)]
    print: bool,
    #[arg(long, global = true, hide = true)]
    no_print: bool,
    #[arg(long, global = true, hide = true)]
    single_threaded: bool,
    #[arg(long, global = true, hide = true, value_name = "N")]
    printer_width: Option<u32>,
    #[arg(long, global = true, hide = true, value_name = "DIR", env = "DBT_LOG_PATH", hide_env = true)]
    log_path: Option<PathBuf>,
    #[arg(long, global = true, hide = true, value_name = "LEVEL")]
    log_level_file: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "FORMAT")]
    log_format_file: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "BYTES")]
    log_file_max_bytes: Option<u64>,
}
