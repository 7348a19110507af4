//! Ephemeral models as CTEs in front of a query.

use super::Cte;
use crate::manifest::Node;

/// What an inlined model is called in SQL.
pub(super) fn cte_name(model: &Node) -> String {
    format!("__dbt__cte__{}", model.alias)
}

/// The query with the CTEs in front. A query that has a `with` of its own keeps it: ours come first in its list.
pub(super) fn prepend(sql: &str, ctes: &[Cte]) -> String {
    if ctes.is_empty() {
        return sql.to_owned();
    }
    let list = ctes.iter().map(|cte| cte.sql.as_str()).collect::<Vec<_>>().join(",");
    let start = skip_blank(sql);
    match keyword(&sql[start..], "with") {
        Some(length) => {
            let mut at = start + length;
            let after = at + skip_blank(&sql[at..]);
            if let Some(length) = keyword(&sql[after..], "recursive") {
                at = after + length;
            }
            format!("{}{list}, {}", &sql[..at], sql[at..].trim_start())
        }
        None => format!("with{list}\n{sql}"),
    }
}

/// Bytes of white space and comments at the start.
fn skip_blank(sql: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &sql[at..];
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        let end = if trimmed.starts_with("--") {
            trimmed.find('\n').map_or(trimmed.len(), |end| end + 1)
        } else if trimmed.starts_with("/*") {
            match trimmed.find("*/") {
                Some(end) => end + 2,
                None => return at,
            }
        } else {
            return at;
        };
        at += end;
    }
}

/// Length of the keyword at the start, in any case, not as part of a longer word.
fn keyword(sql: &str, word: &str) -> Option<usize> {
    let start = sql.get(..word.len())?;
    let next = sql[word.len()..].chars().next();
    let ends = !next.is_some_and(|c| c.is_alphanumeric() || c == '_');
    (start.eq_ignore_ascii_case(word) && ends).then_some(word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctes_come_first_whatever_the_query_starts_with() {
        let cte = |name: &str| Cte { unique_id: name.into(), sql: format!(" {name} as (\nselect 1\n)") };
        let ctes = [cte("a"), cte("b")];
        assert_eq!(prepend("select 2", &ctes), "with a as (\nselect 1\n), b as (\nselect 1\n)\nselect 2");
        assert_eq!(
            prepend("-- with x\n/* y */ WITH c as (select 3) select 4", &ctes[..1]),
            "-- with x\n/* y */ WITH a as (\nselect 1\n), c as (select 3) select 4"
        );
        assert_eq!(
            prepend("with recursive c as (select 3) select 4", &ctes[..1]),
            "with recursive a as (\nselect 1\n), c as (select 3) select 4"
        );
        assert_eq!(prepend("withdrawals", &ctes[..1]), "with a as (\nselect 1\n)\nwithdrawals");
        assert_eq!(prepend("select 1", &[]), "select 1");
    }
}
