//! Options of the commands that carry out nodes.

use std::time::Duration;

use clap::Args;
use millstream_core::{Error, Result};

use super::{DeferOptions, ReadingOptions, SelectionOptions, value};

/// Options of `build`, `run`, `test`, `seed` and `snapshot`.
#[derive(Debug, Clone, Args)]
pub struct NodeOptions {
    /// Which nodes.
    #[command(flatten)]
    pub selection: SelectionOptions,

    /// Which rows are read.
    #[command(flatten)]
    pub reading: ReadingOptions,

    /// What is read of another run.
    #[command(flatten)]
    pub defer: DeferOptions,

    /// Build incremental models and seeds from the start
    #[arg(short, long, help_heading = "Options")]
    pub full_refresh: bool,

    /// Start nothing more after the first failure
    #[arg(short = 'x', long, help_heading = "Options")]
    pub fail_fast: bool,

    /// Tests that warn count as failed
    #[arg(long, help_heading = "Options", env = "DBT_WARN_ERROR", hide_env = true)]
    pub warn_error: bool,

    /// Which warnings count as failures: '{error: all}', '{error: [LogTestResult], silence: []}'
    #[arg(long, value_name = "YAML", help_heading = "Options", env = "DBT_WARN_ERROR_OPTIONS", hide_env = true)]
    pub warn_error_options: Option<String>,

    /// Keep the rows that tests find
    #[arg(long, help_heading = "Options", overrides_with = "no_store_failures")]
    pub store_failures: bool,

    /// Do not keep them, whatever the project says
    #[arg(long, help_heading = "Options", hide = true, overrides_with = "store_failures")]
    pub no_store_failures: bool,

    /// Start without planning every query first; otherwise nothing runs when one of them would fail
    #[arg(long, help_heading = "Options", overrides_with = "check")]
    pub no_check: bool,

    /// The default, for scripts that say it.
    #[arg(long, hide = true, help_heading = "Options", overrides_with = "no_check")]
    pub check: bool,

    /// How long to wait for another command that holds the workspace
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = value::duration, help_heading = "Options")]
    pub wait: Duration,
}

/// Which warnings count as failures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Warnings {
    /// Tests that warn.
    pub test_is_error: bool,
    /// Selections that match nothing.
    pub selection_is_error: bool,
}

impl NodeOptions {
    /// What `--warn-error` and `--warn-error-options` say. Names of warnings that do not exist here are passed over.
    pub fn warnings(&self) -> Result<Warnings> {
        if self.warn_error {
            return Ok(Warnings { test_is_error: true, selection_is_error: true });
        }
        let Some(text) = &self.warn_error_options else { return Ok(Warnings::default()) };
        let refused = || {
            Error::usage("--warn-error-options is not a mapping with error, warn and silence").hint(
                "write it as YAML or JSON: --warn-error-options '{error: all, warn: [NoNodesForSelectionCriteria]}'",
            )
        };
        let value: serde_json::Value = serde_saphyr::from_str(text).map_err(|error| refused().why(error))?;
        let Some(options) = value.as_object() else { return Err(refused()) };
        // `include` and `exclude` are the older names.
        let names = |keys: [&str; 2]| -> Vec<String> {
            let found = keys.iter().filter_map(|key| options.get(*key));
            found
                .flat_map(|value| match value {
                    serde_json::Value::Array(items) => {
                        items.iter().filter_map(|it| it.as_str()).map(str::to_owned).collect()
                    }
                    serde_json::Value::String(name) => vec![name.clone()],
                    _ => Vec::new(),
                })
                .collect()
        };
        let (errors, others) =
            (names(["error", "include"]), [names(["warn", "exclude"]), names(["silence", ""])].concat());
        let is_error = |name: &str| {
            let listed = errors.iter().any(|it| it == "all" || it == "*" || it == name);
            listed && !others.iter().any(|it| it == name)
        };
        Ok(Warnings {
            test_is_error: is_error("LogTestResult"),
            selection_is_error: is_error("NoNodesForSelectionCriteria"),
        })
    }

    /// Whether rows of tests are kept; `None` leaves it to each test.
    pub fn keeps_failures(&self) -> Option<bool> {
        match (self.store_failures, self.no_store_failures) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_errors_by_name_or_all() {
        let of = |text: &str| {
            let options = NodeOptions { warn_error_options: Some(text.into()), ..blank() };
            options.warnings().map(|warnings| (warnings.test_is_error, warnings.selection_is_error))
        };
        assert_eq!(of("{error: all}").unwrap(), (true, true));
        assert_eq!(of("{'include': 'all', 'exclude': ['NoNodesForSelectionCriteria']}").unwrap(), (true, false));
        assert_eq!(of("{error: [LogTestResult], silence: [Deprecations]}").unwrap(), (true, false));
        assert_eq!(of("{warn: [LogTestResult]}").unwrap(), (false, false));
        assert!(of("[all]").is_err());
    }

    fn blank() -> NodeOptions {
        NodeOptions {
            selection: SelectionOptions::default(),
            reading: ReadingOptions::default(),
            defer: DeferOptions::default(),
            full_refresh: false,
            check: false,
            no_check: false,
            fail_fast: false,
            warn_error: false,
            warn_error_options: None,
            store_failures: false,
            no_store_failures: false,
            wait: Duration::ZERO,
        }
    }
}
