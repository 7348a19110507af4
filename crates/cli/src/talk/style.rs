//! The few colours, named by meaning. They vanish where there is no terminal and under `NO_COLOR`.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};

/// Something went well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Something failed.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Worth a look.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// Of lesser weight.
pub const DIM: Style = Style::new().dimmed();
/// A heading.
pub const BOLD: Style = Style::new().bold();
/// A bar of a chart.
pub const BAR: Style = AnsiColor::Cyan.on_default();

/// Something in a style.
pub struct Painted<T>(Style, T);

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.0.render(), self.1, self.0.render_reset())
    }
}

/// Puts something in a style.
pub fn paint<T: Display>(style: Style, what: T) -> Painted<T> {
    Painted(style, what)
}

/// Whether standard output takes colours: a terminal, and neither `NO_COLOR` nor `--no-color`.
pub fn is_coloured() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}
