//! Drawing of horizontal bars with eighths of a character.

use std::fmt::Write;

use super::Chart;
use crate::talk::style::{BAD, BAR, DIM, paint};

/// Left eighths of a character cell, from one to eight.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// Labels are cut beyond this.
const LABEL_WIDTH_MAX: usize = 32;

/// Bars never get narrower than this, even if the line then is too long.
const BARS_WIDTH_MIN: usize = 10;

pub fn render(chart: &Chart, width: usize, colour: bool) -> String {
    let measure = console::measure_text_width;
    let label_width = chart.bars.iter().map(|bar| measure(&bar.label)).max().unwrap_or(0).min(LABEL_WIDTH_MAX);
    let shown_width = chart.bars.iter().map(|bar| measure(&bar.shown)).max().unwrap_or(0);
    // Label, two spaces, bars, one space, value.
    let room = width.saturating_sub(label_width + shown_width + 3).max(BARS_WIDTH_MIN);
    let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
    let longest = chart.bars.iter().map(|bar| finite(bar.value)).fold(0.0, f64::max);
    let lowest = chart.bars.iter().map(|bar| finite(bar.value)).fold(0.0, f64::min);
    let span = longest - lowest;
    let per_cell = if span > 0.0 { span / room as f64 } else { 1.0 };
    let left = (-lowest / per_cell).round() as usize;

    let mut text = format!(
        "{:label_width$}  {}\n",
        "",
        if colour { paint(DIM, &chart.title).to_string() } else { chart.title.clone() }
    );
    for bar in &chart.bars {
        let label = console::truncate_str(&bar.label, label_width, "…");
        let space = " ".repeat(label_width.saturating_sub(measure(&label)));
        let value = finite(bar.value);
        let drawn = if value < 0.0 {
            let cells = ((-value / per_cell).round() as usize).clamp(1, left.max(1));
            let filled = "█".repeat(cells);
            format!(
                "{}{}",
                " ".repeat(left.saturating_sub(cells)),
                if colour { paint(BAD, filled).to_string() } else { filled }
            )
        } else {
            let filled = positive(value / per_cell);
            format!("{}{}", " ".repeat(left), if colour { paint(BAR, filled).to_string() } else { filled })
        };
        let _ = writeln!(text, "{label}{space}  {drawn} {}", bar.shown);
    }
    text
}

/// A bar of so many cells; a value above zero shows at least one eighth.
fn positive(cells: f64) -> String {
    let eighths = (cells * 8.0).round() as usize;
    let eighths = if cells > 0.0 { eighths.max(1) } else { eighths };
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::declared::Bar;

    fn chart(values: &[(&str, f64)]) -> Chart {
        let bars = values
            .iter()
            .map(|(label, value)| Bar { label: (*label).to_owned(), value: *value, shown: value.to_string() })
            .collect();
        Chart { title: "amount".to_owned(), bars }
    }

    #[test]
    fn bars_are_to_scale_and_fit() {
        let text = render(&chart(&[("gold", 100.0), ("silver", 50.0), ("bronze", 0.1), ("none", 0.0)]), 40, false);
        let lines: Vec<&str> = text.lines().collect();
        let full = |line: &str| line.chars().filter(|character| *character == '█').count();
        assert_eq!(full(lines[1]), 28);
        assert_eq!(full(lines[2]), 14);
        assert!(lines[3].contains('▏') && !lines[4].contains('▏'));
        assert!(lines.iter().all(|line| console::measure_text_width(line) <= 40), "{text}");
    }

    #[test]
    fn negative_bars_stand_left_of_the_axis() {
        let text = render(&chart(&[("in", 30.0), ("out", -10.0)]), 50, false);
        let lines: Vec<&str> = text.lines().collect();
        let begins = |line: &str| line.chars().position(|character| character == '█');
        let ends = |line: &str| line.chars().collect::<Vec<_>>().iter().rposition(|character| *character == '█');
        assert_eq!(ends(lines[2]).map(|end| end + 1), begins(lines[1]), "{text}");
    }

    #[test]
    fn no_rows_and_equal_zeroes_do_not_divide_by_zero() {
        assert_eq!(render(&chart(&[]), 40, false).lines().count(), 1);
        assert_eq!(render(&chart(&[("a", 0.0), ("b", f64::NAN)]), 40, false).lines().count(), 3);
    }
}
