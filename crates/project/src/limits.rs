//! Every limit on what a project may be, with the reason for its value. Passing one is a diagnostic, never a crash.

/// Bytes of one text file of a project (SQL, yml, md). A larger one is not a text that a person wrote.
pub const TEXT_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes of a seed file. Seeds are for lookup tables; anything larger belongs into a source.
pub const SEED_FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Files of a project and its packages together.
pub const FILES_MAX: usize = 50_000;

/// Nodes, sources and exposures of a project and its packages together.
pub const NODES_MAX: usize = 50_000;

/// Packages that a project uses, directly or not.
pub const PACKAGES_MAX: usize = 256;

/// YAML values of one file after anchors are expanded, so that a small file cannot fill the memory.
pub const YAML_VALUES_MAX: usize = 500_000;

/// Levels of nesting in one YAML file after anchors are expanded.
pub const YAML_DEPTH_MAX: usize = 64;

/// Elements of one `--select` or `--exclude` value, or of one selector definition.
pub const SELECTOR_TERMS_MAX: usize = 10_000;

/// Levels of nesting in a `selectors.yml` definition; each takes up to three of [`YAML_DEPTH_MAX`].
pub const SELECTOR_DEPTH_MAX: usize = 16;

/// Ephemeral models that read each other may be nested so deep: rendering recurses into them.
pub const EPHEMERAL_DEPTH_MAX: usize = 64;

/// Threads that a target or the command line may ask for.
pub const THREADS_MAX: usize = 256;

/// Characters of a generic test's name from which on its alias is cut and hashed. dbt's rule.
pub const TEST_NAME_CHARS_MAX: usize = 64;

/// Diagnostics of one load that are kept; after these only a count follows.
pub const DIAGNOSTICS_MAX: usize = 10_000;
