//! A file's header against the declared columns.
//!
//! Names are compared exactly. A header that does not fit refuses the file whole: its rows have no meaning without it.

use super::chunks::Header;
use super::open::{Refusal, not_csv};
use crate::contract::{Column, FileSource, HeaderPolicy};
use crate::decode::text::shown;
use crate::nearest::nearest;

/// For each declared column its place in the file's records; or why the header breaks the contract.
pub(crate) fn places(header: Option<&Header>, columns: &[Column], source: &FileSource) -> Result<Vec<usize>, Refusal> {
    let expected: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let Some(header) = header else {
        return Err(format!("the file is empty: not even a header ({})", expected.join(",")));
    };
    if let Some(reason) = not_csv(&header.raw) {
        return Err(reason);
    }
    if std::str::from_utf8(&header.raw).is_err() {
        return Err("the header is not UTF-8: convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8".into());
    }
    if header.fields.is_empty() {
        return Err(format!("the header is damaged: '{}'", shown(&header.raw)));
    }
    let found: Vec<String> = header.fields.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    if let [only] = found.as_slice()
        && expected.len() > 1
    {
        return Err(one_field(only, source.delimiter));
    }
    if let Some(name) = found.iter().enumerate().find_map(|(i, name)| found[..i].contains(name).then_some(name)) {
        return Err(format!("the header has column {name} twice"));
    }
    differences(&expected, &found, source.header)?;
    // Every declared name is there once the differences are none.
    Ok(expected.iter().filter_map(|name| found.iter().position(|other| other == name)).collect())
}

fn differences(expected: &[&str], found: &[String], policy: HeaderPolicy) -> Result<(), Refusal> {
    let missing: Vec<&str> = expected.iter().copied().filter(|name| !found.iter().any(|other| other == name)).collect();
    let mut extra: Vec<&str> = found.iter().map(String::as_str).filter(|name| !expected.contains(name)).collect();
    let mut problems = Vec::new();
    for name in missing {
        match nearest(name, extra.iter().copied()).map(str::to_owned) {
            Some(renamed) => {
                problems.push(format!("column {name} is missing, but there is {renamed}: was it renamed?"));
                extra.retain(|other| *other != renamed);
            }
            None => problems.push(format!("column {name} is missing")),
        }
    }
    let extra_allowed = policy == HeaderPolicy::Superset;
    if !extra.is_empty() && !extra_allowed {
        let hint = if problems.is_empty() { " (header: superset leaves such columns out)" } else { "" };
        for name in &extra {
            let name = if name.is_empty() { "without a name" } else { name };
            problems.push(format!("column {name} is not declared{hint}"));
        }
    }
    if problems.is_empty() && policy == HeaderPolicy::Exact && expected.iter().ne(found.iter()) {
        problems.push(format!(
            "the columns are in another order, {} where {} is declared (header: reordered accepts any order)",
            found.join(","),
            expected.join(",")
        ));
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("the header breaks the contract: {}", problems.join("; "))) }
}

/// A header of one field where several are declared is most often another delimiter or line end.
fn one_field(field: &str, delimiter: u8) -> Refusal {
    if field.contains('\r') {
        return "the file's lines end with CR alone: LF or CRLF is expected".into();
    }
    for (other, name) in [(';', "a semicolon"), ('\t', "a tab"), ('|', "a bar"), (',', "a comma")] {
        if field.contains(other) && char::from(delimiter) != other {
            return format!("the header has one field: is {name} the delimiter? Declare delimiter: {other:?}");
        }
    }
    format!("the header has one field: '{}'", shown(field.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{ColumnType, Rules};
    use crate::file::chunks::Chunker;

    fn check(content: &str, policy: HeaderPolicy) -> Result<Vec<usize>, Refusal> {
        let columns: Vec<Column> = ["tx_id", "amount", "merchant"]
            .map(|name| Column {
                name: name.to_owned(),
                ty: ColumnType::Text,
                declared_type: "text".to_owned(),
                rules: Rules::default(),
            })
            .to_vec();
        let source = FileSource { path: String::new(), header: policy, max_error_share: 0.0, delimiter: b',' };
        let header = Chunker::new(content.as_bytes(), b',').header().unwrap_or_default();
        places(header.as_ref(), &columns, &source)
    }

    #[test]
    fn each_policy_accepts_what_it_says() {
        use HeaderPolicy::{Exact, Reordered, Superset};
        let (same, moved, more) = ("tx_id,amount,merchant", "merchant,tx_id,amount", "x,merchant,tx_id,amount");
        for policy in [Exact, Reordered, Superset] {
            assert_eq!(check(same, policy), Ok(vec![0, 1, 2]));
        }
        assert_eq!(check(moved, Reordered), Ok(vec![1, 2, 0]));
        assert_eq!(check(more, Superset), Ok(vec![2, 3, 1]));
        assert!(check(moved, Exact).is_err() && check(more, Reordered).is_err());
    }

    #[test]
    fn a_refusal_names_each_column_and_what_may_be_meant() {
        for (content, expected) in [
            ("tx_id,amount", "column merchant is missing"),
            ("tx_id,ammount,merchant", "column amount is missing, but there is ammount: was it renamed?"),
            ("TX_ID,amount,merchant", "column tx_id is missing, but there is TX_ID"),
            ("tx_id,amount,merchant,note", "column note is not declared (header: superset leaves"),
            ("tx_id,amount,merchant,", "column without a name is not declared"),
            ("amount,tx_id,merchant", "in another order, amount,tx_id,merchant where tx_id,amount,merchant"),
            ("tx_id,amount,amount,merchant", "column amount twice"),
            ("tx_id;amount;merchant", "is a semicolon the delimiter?"),
            ("tx_id\ramount", "CR alone"),
            ("\"tx_id,amount,merchant", "damaged"),
            ("a,b", "column tx_id is missing; column amount is missing; column merchant is missing; column a is not"),
            ("", "the file is empty"),
        ] {
            let reason = check(content, HeaderPolicy::Exact).err().unwrap_or_default();
            assert!(reason.contains(expected), "{content:?}: {reason}");
        }
    }
}
