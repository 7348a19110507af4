//! The limits of one rendering. Each is named, tested at its value and one past it.
//!
//! They exist because a template is a program: without them `{% for %}` over a huge range or a macro that calls
//! itself takes the process down instead of giving an error with a line number.

/// Steps (statements, expressions, output kilobytes) that one rendering may take.
pub const FUEL_MAX_DEFAULT: u64 = 20_000_000;

/// Macros that may be in progress at once, `caller()` blocks included.
pub const CALL_DEPTH_MAX_DEFAULT: usize = 64;

/// Bytes that one rendering may write, over all captures.
pub const OUTPUT_BYTES_MAX_DEFAULT: usize = 64 * 1024 * 1024;

/// Bytes of text and lists that the operations of one rendering may make, whether they are kept or not.
pub const MADE_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Bytes of one template file.
pub const TEMPLATE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of one tag (`{{ … }}` or `{% … %}`): reading takes stack in proportion to it.
pub const TAG_BYTES_MAX: usize = 256 * 1024;

/// Operations nested in one expression, and `elif`s of one `if`: evaluating takes stack in proportion to them.
pub const EXPRESSION_DEPTH_MAX: usize = 1_000;

/// Blocks (`if`, `for`, `macro`, …) that may stand inside each other.
pub const BLOCK_DEPTH_MAX: usize = 200;

/// Elements that a list may have, and values that JSON or YAML text is made of.
pub const SEQUENCE_LEN_MAX: usize = 1_000_000;

/// What one rendering may use up before it ends with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps; see [`FUEL_MAX_DEFAULT`].
    pub fuel: u64,
    /// Macros in progress at once; see [`CALL_DEPTH_MAX_DEFAULT`].
    pub call_depth: usize,
    /// Bytes written; see [`OUTPUT_BYTES_MAX_DEFAULT`].
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fuel: FUEL_MAX_DEFAULT, call_depth: CALL_DEPTH_MAX_DEFAULT, output_bytes: OUTPUT_BYTES_MAX_DEFAULT }
    }
}
