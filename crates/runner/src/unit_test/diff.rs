//! How two bags of rows differ, for people.

use std::collections::BTreeMap;

/// The cells of a row as text; `None` is null.
pub(super) type Row = Vec<Option<String>>;

/// Lines that are shown of a difference.
const LINES_MAX: usize = 60;

/// Pairs that are looked at to find which missing row became which other one.
const PAIRS_MAX: usize = 1_000_000;

/// A line of the difference.
enum Line<'a> {
    Same(&'a Row),
    Changed(&'a Row, &'a Row),
    Missing(&'a Row),
    Extra(&'a Row),
}

/// `None` when both are the same bag of rows. Otherwise a table: `→` before a row that changed (its cells as
/// `expected→actual`), `---` before one that is missing, `+++` before one that was not expected.
pub(super) fn diff(columns: &[&str], expected: &[Row], actual: &[Row]) -> Option<String> {
    let mut left: BTreeMap<&Row, usize> = BTreeMap::new();
    for row in actual {
        *left.entry(row).or_default() += 1;
    }
    let mut same = Vec::new();
    let mut missing = Vec::new();
    for row in expected {
        match left.get_mut(row) {
            Some(count) if *count > 0 => {
                *count -= 1;
                same.push(row);
            }
            _ => missing.push(row),
        }
    }
    let mut extra: Vec<&Row> = Vec::new();
    for row in actual {
        if let Some(count) = left.get_mut(row).filter(|count| **count > 0) {
            *count -= 1;
            extra.push(row);
        }
    }
    if missing.is_empty() && extra.is_empty() {
        return None;
    }
    let mut lines: Vec<Line<'_>> = Vec::new();
    for row in missing {
        match nearest(row, &extra) {
            Some(at) => lines.push(Line::Changed(row, extra.remove(at))),
            None => lines.push(Line::Missing(row)),
        }
    }
    lines.extend(extra.into_iter().map(Line::Extra));
    lines.extend(same.into_iter().map(Line::Same));
    Some(table(columns, &lines))
}

/// The row that has the most cells in common, if it has any.
fn nearest(row: &Row, others: &[&Row]) -> Option<usize> {
    if others.len().saturating_mul(row.len().max(1)) > PAIRS_MAX {
        return None;
    }
    let common = |other: &Row| row.iter().zip(other).filter(|(a, b)| a == b).count();
    let (at, count) = others.iter().enumerate().map(|(at, other)| (at, common(other))).rev().max_by_key(|(_, n)| *n)?;
    // A table of one column has nothing else to tell which row it was.
    (count > 0 || (row.len() == 1 && others.len() == 1)).then_some(at)
}

fn table(columns: &[&str], lines: &[Line<'_>]) -> String {
    let text = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "NULL".into());
    let mut cells: Vec<Vec<String>> =
        vec![std::iter::once("@@".to_owned()).chain(columns.iter().map(|name| (*name).to_owned())).collect()];
    for line in lines.iter().take(LINES_MAX) {
        let (mark, values): (&str, Vec<String>) = match line {
            Line::Same(row) => ("", row.iter().map(text).collect()),
            Line::Missing(row) => ("---", row.iter().map(text).collect()),
            Line::Extra(row) => ("+++", row.iter().map(text).collect()),
            Line::Changed(old, new) => {
                let pair = |(old, new): (&Option<String>, &Option<String>)| {
                    if old == new { text(old) } else { format!("{}→{}", text(old), text(new)) }
                };
                ("→", old.iter().zip(new.iter()).map(pair).collect())
            }
        };
        cells
            .push(std::iter::once(mark.to_owned()).chain(values).map(|cell| cell.replace(['\n', '\r'], " ")).collect());
    }
    let widths: Vec<usize> = (0..=columns.len())
        .map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut shown: Vec<String> = cells
        .iter()
        .map(|row| {
            let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width));
            padded.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
        })
        .collect();
    if lines.len() > LINES_MAX {
        shown.push(format!("… and {} more rows", lines.len() - LINES_MAX));
    }
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[&[&str]]) -> Vec<Row> {
        let cell = |cell: &&str| (*cell != "NULL").then(|| (*cell).to_owned());
        text.iter().map(|row| row.iter().map(cell).collect()).collect()
    }

    #[test]
    fn order_is_no_difference_and_repetition_is() {
        let a = rows(&[&["1", "x"], &["2", "NULL"]]);
        let b = rows(&[&["2", "NULL"], &["1", "x"]]);
        assert_eq!(diff(&["id", "name"], &a, &b), None);
        let twice = rows(&[&["1", "x"], &["2", "NULL"], &["2", "NULL"]]);
        let shown = diff(&["id", "name"], &a, &twice);
        assert_eq!(shown.as_deref(), Some("@@  | id | name\n+++ | 2  | NULL\n    | 1  | x\n    | 2  | NULL"));
    }

    #[test]
    fn a_changed_row_shows_both_values() {
        let expected = rows(&[&["1", "10"], &["2", "20"], &["3", "30"]]);
        let actual = rows(&[&["1", "10"], &["2", "21"], &["4", "40"]]);
        let shown = diff(&["id", "amount"], &expected, &actual);
        let wanted = "@@  | id | amount\n→   | 2  | 20→21\n--- | 3  | 30\n+++ | 4  | 40\n    | 1  | 10";
        assert_eq!(shown.as_deref(), Some(wanted));
    }
}
