//! Versions of packages and ranges of them, by dbt's rules: `1.2.3`, `>=1.0.0`, several of which all must hold.

use millstream_core::{Error, Result};
use semver::Version;

/// One bound of a range.
#[derive(Debug, Clone, PartialEq)]
struct Bound {
    operator: &'static str,
    version: Version,
}

/// A range: all of its bounds hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Range(Vec<Bound>);

impl Range {
    /// Reads bounds such as `>=1.0.0`. A version without an operator is that version only.
    pub fn parse(texts: &[String]) -> Result<Self> {
        let mut bounds = Vec::new();
        for text in texts {
            let operator = [">=", "<=", "==", "=", ">", "<"].into_iter().find(|operator| text.starts_with(operator));
            let rest = text.trim_start_matches(operator.unwrap_or("")).trim();
            let version = version(rest).ok_or_else(|| {
                Error::user(format!("'{text}' is not a version or a range"))
                    .hint("write it like 1.1.1, \">=1.0.0\" or [\">=1.0.0\", \"<2.0.0\"]")
            })?;
            let operator = match operator {
                Some("==") | None => "=",
                Some(operator) => operator,
            };
            bounds.push(Bound { operator, version });
        }
        Ok(Self(bounds))
    }

    /// Whether a version is inside.
    pub fn holds(&self, version: &Version) -> bool {
        self.0.iter().all(|bound| match bound.operator {
            ">=" => *version >= bound.version,
            "<=" => *version <= bound.version,
            ">" => *version > bound.version,
            "<" => *version < bound.version,
            _ => *version == bound.version,
        })
    }

    /// Whether a bound names a pre-release, which allows pre-releases.
    pub fn names_prerelease(&self) -> bool {
        self.0.iter().any(|bound| !bound.version.pre.is_empty())
    }
}

/// A version; a missing patch or minor number is 0.
pub fn version(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let core = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(core);
    let missing = 2_usize.checked_sub(numbers.matches('.').count())?;
    Version::parse(&format!("{numbers}{}{rest}", ".0".repeat(missing))).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn holds(bounds: &[&str], wanted: &str) -> bool {
        let bounds: Vec<String> = bounds.iter().map(|bound| (*bound).to_owned()).collect();
        Range::parse(&bounds).unwrap().holds(&version(wanted).unwrap())
    }

    #[test]
    fn every_bound_of_a_range_holds() {
        assert!(holds(&[">=1.0.0", "<2.0.0"], "1.9.9"));
        assert!(!holds(&[">=1.0.0", "<2.0.0"], "2.0.0"));
        assert!(holds(&["1.1.1"], "1.1.1") && !holds(&["=1.1.1"], "1.1.2"));
        assert!(holds(&[">0.8"], "0.8.1") && holds(&["<=0.10.0"], "0.9.0"));
        assert!(!holds(&[">=1.0.0"], "1.0.0-rc1"), "a pre-release comes before its release");
        assert!(Range::parse(&["soon".to_owned()]).is_err());
        assert!(Range::parse(&[">=1.0.0-b1".to_owned()]).unwrap().names_prerelease());
    }
}
