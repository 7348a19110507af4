//! Ephemeral models as CTEs in front of a query.

use millstream_jinja::TextMap;

use super::{Cte, Rendered};
use crate::manifest::Node;

/// What an inlined model is called in SQL.
pub(super) fn cte_name(model: &Node) -> String {
    format!("__dbt__cte__{}", model.alias)
}

/// A CTE of a model, and where its text comes from.
pub(super) fn cte(model: &Node, rendered: &Rendered) -> (Cte, TextMap) {
    let head = format!(" {} as (\n", cte_name(model));
    let mut map = TextMap::default();
    map.append(head.len(), rendered.map.clone());
    let sql = format!("{head}{}\n)", rendered.sql);
    (Cte { unique_id: model.unique_id.clone(), sql }, map)
}

/// The query with the CTEs in front. A query that has a `with` of its own keeps it: ours come first in its list.
pub(super) fn prepend(query: Rendered, ctes: &[(Cte, TextMap)]) -> Rendered {
    if ctes.is_empty() {
        return query;
    }
    let Rendered { sql, map } = query;
    let start = skip_blank(&sql);
    // What stays in front of the list, and where the rest of the query starts.
    let (head, rest, separator) = match keyword(&sql[start..], "with") {
        Some(length) => {
            let mut at = start + length;
            let after = at + skip_blank(&sql[at..]);
            if let Some(length) = keyword(&sql[after..], "recursive") {
                at = after + length;
            }
            (at, at + (sql[at..].len() - sql[at..].trim_start().len()), ", ")
        }
        None => (0, 0, "\n"),
    };
    let mut whole = Rendered { sql: sql[..head].to_owned(), map: map.slice(0..head) };
    if head == 0 {
        whole.sql.push_str("with");
    }
    for (number, (cte, map)) in ctes.iter().enumerate() {
        if number > 0 {
            whole.sql.push(',');
        }
        whole.map.append(whole.sql.len(), map.clone());
        whole.sql.push_str(&cte.sql);
    }
    whole.sql.push_str(separator);
    whole.map.append(whole.sql.len(), map.slice(rest..sql.len()));
    whole.sql.push_str(&sql[rest..]);
    whole
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
        let cte = |name: &str| {
            let cte = Cte { unique_id: name.into(), sql: format!(" {name} as (\nselect 1\n)") };
            (cte, TextMap::default())
        };
        let prepend = |sql: &str, ctes: &[(Cte, TextMap)]| {
            super::prepend(Rendered { sql: sql.to_owned(), map: TextMap::default() }, ctes).sql
        };
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
