//! Rows that differ in the last digits of floats only: sums of floats depend on the order in which they are added.

use std::cmp::Ordering;
use std::collections::HashMap;

/// How far two floats may be apart, as a share of the larger one, and still be the same number.
pub(super) const RELATIVE_TOLERANCE: f64 = 1e-9;

/// A row that only one side has.
#[derive(Debug, Clone)]
pub(super) struct Lone {
    /// Hash of its columns that are no floats.
    pub(super) exact: u64,
    /// Hash of the whole row.
    pub(super) whole: u128,
    /// Its floats.
    pub(super) floats: Vec<Option<f64>>,
}

/// Finds for each row of one side one of the other that is as good as the same. Gives the pairs of hashes of whole rows.
pub(super) fn pairs(left: Vec<Lone>, right: Vec<Lone>) -> Vec<(u128, u128)> {
    let mut groups: HashMap<u64, (Vec<Lone>, Vec<Lone>)> = HashMap::new();
    for row in left {
        groups.entry(row.exact).or_default().0.push(row);
    }
    for row in right {
        groups.entry(row.exact).or_default().1.push(row);
    }
    let mut found = Vec::new();
    for (mut left, mut right) in groups.into_values() {
        left.sort_by(|a, b| order(&a.floats, &b.floats));
        right.sort_by(|a, b| order(&a.floats, &b.floats));
        let (mut l, mut r) = (0, 0);
        while let (Some(a), Some(b)) = (left.get(l), right.get(r)) {
            if a.floats.iter().zip(&b.floats).all(|(a, b)| is_close(*a, *b)) {
                found.push((a.whole, b.whole));
                (l, r) = (l + 1, r + 1);
            } else if order(&a.floats, &b.floats) == Ordering::Less {
                l += 1;
            } else {
                r += 1;
            }
        }
    }
    found
}

fn order(a: &[Option<f64>], b: &[Option<f64>]) -> Ordering {
    let one = |(a, b): (&Option<f64>, &Option<f64>)| match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    };
    a.iter().zip(b).map(one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn is_close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) if a.is_finite() && b.is_finite() => {
            (a - b).abs() <= RELATIVE_TOLERANCE * a.abs().max(b.abs())
        }
        (Some(a), Some(b)) => a == b || (a.is_nan() && b.is_nan()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lone(exact: u64, whole: u128, floats: &[f64]) -> Lone {
        Lone { exact, whole, floats: floats.iter().copied().map(Some).collect() }
    }

    #[test]
    fn last_digits_are_the_same_number_and_more_is_not() {
        assert!(is_close(Some(1.0), Some(1.0 + 0.9e-9)));
        assert!(!is_close(Some(1.0), Some(1.0 + 1.1e-9)));
        assert!(is_close(Some(f64::NAN), Some(f64::NAN)) && is_close(None, None));
        assert!(!is_close(None, Some(0.0)) && !is_close(Some(f64::INFINITY), Some(1e308)));
    }

    #[test]
    fn every_row_is_used_once() {
        let left = vec![lone(1, 10, &[1.0]), lone(1, 11, &[2.0]), lone(2, 12, &[1.0])];
        let right = vec![lone(1, 20, &[2.0 + 1e-12]), lone(1, 21, &[1.0 + 1e-12]), lone(1, 22, &[1.0 - 1e-12])];
        let mut found = pairs(left, right);
        found.sort_unstable();
        assert_eq!(found, [(10, 22), (11, 20)]);
    }
}
