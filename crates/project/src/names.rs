//! "Did you mean": the known name that is nearest to a mistyped one.

/// Names that may be offered, in the order of nearness; at most three, none when nothing is near.
pub(crate) fn near<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = wanted.to_lowercase();
    // Short names have too many neighbours: below three letters only the letter case may differ.
    let limit = (wanted.chars().count() / 3).min(4);
    let mut scored: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let candidate = name.to_lowercase();
            if candidate.chars().count().abs_diff(lower.chars().count()) > limit.max(8) {
                return None;
            }
            let distance = distance(&lower, &candidate);
            // A name that contains the other one is near even when it is much longer.
            let contains =
                lower.len() >= 4 && candidate.len() >= 4 && (candidate.contains(&lower) || lower.contains(&candidate));
            if distance <= limit { Some((distance, name)) } else { contains.then_some((limit + distance, name)) }
        })
        .collect();
    scored.sort();
    scored.dedup();
    scored.into_iter().map(|(_, name)| name).take(3).collect()
}

/// `did you mean 'a' or 'b'?`, or the fallback when nothing is near.
pub(crate) fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>, fallback: &str) -> String {
    let near: Vec<String> = near(wanted, known).into_iter().map(|name| format!("'{name}'")).collect();
    match near.split_last() {
        None => fallback.to_owned(),
        Some((last, [])) => format!("did you mean {last}?"),
        Some((last, others)) => format!("did you mean {} or {last}?", others.join(", ")),
    }
}

/// Levenshtein distance with neighbouring swaps counted once, in characters.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (row[j] + 1).min(next[j - 1] + 1).min(row[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let known = ["stg_users", "stg_orders", "dim_users", "fct_transactions"];
        assert_eq!(near("stg_user", known), ["stg_users"]);
        assert_eq!(near("stg_usres", known)[0], "stg_users");
        assert_eq!(near("users", known), ["dim_users", "stg_users"]);
        assert!(near("zebra", known).is_empty());
        assert_eq!(did_you_mean("stg_order", known, "x"), "did you mean 'stg_orders'?");
        assert_eq!(did_you_mean("zebra", known, "nothing"), "nothing");
    }
}
