//! Bar charts for the terminal: one bar for each row of an answer, to scale, with its value.
//!
//! Guarantees: bars of negative values extend to the left of the axis; the chart fits the width it is given; without
//! colours it reads the same. Deliberately absent: other kinds of chart; a bar per row is what the questions need.

mod bars;
mod declared;

use crate::output::Look;

pub use declared::Chart;

/// Width of a chart where no terminal gives one.
const WIDTH_DEFAULT: usize = 80;

/// The chart as text, one line for each bar.
pub fn render(chart: &Chart, look: Look) -> String {
    bars::render(chart, look.width.unwrap_or(WIDTH_DEFAULT), look.colour)
}
