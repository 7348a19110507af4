//! `require-dbt-version`.

use millstream_core::{Diagnostic, Diagnostics};
use millstream_jinja::DBT_VERSION;

use crate::yaml::Yaml;

/// Checks that the dbt version whose behaviour we have is one that the project accepts.
pub(crate) fn check(requirement: Option<&Yaml>, project: &str, file: &str, diagnostics: &mut Diagnostics) {
    let Some(requirement) = requirement else { return };
    let items = if requirement.items().is_empty() { std::slice::from_ref(requirement) } else { requirement.items() };
    for item in items {
        let Some(text) = item.scalar_text() else { continue };
        for range in text.split(',').map(str::trim).filter(|range| !range.is_empty()) {
            match accepts(range, DBT_VERSION) {
                Some(true) => {}
                Some(false) => diagnostics.push(
                    Diagnostic::error(
                        "dbt-version",
                        format!("'{project}' requires dbt {range}; Millstream behaves like dbt {DBT_VERSION}"),
                    )
                    .at(item.at.in_file(file))
                    .hint("widen require-dbt-version, or use another version of the package"),
                ),
                None => diagnostics.push(
                    Diagnostic::error("dbt-version", format!("'{range}' is not a version range"))
                        .at(item.at.in_file(file))
                        .hint("write it like \">=1.6.0\" or [\">=1.6.0\", \"<2.0.0\"]"),
                ),
            }
        }
    }
}

/// Whether a range such as `>=1.6.0` holds `version`; `None` when it is no range.
fn accepts(range: &str, version: &str) -> Option<bool> {
    let operators = [">=", "<=", "!=", "==", "=", ">", "<"];
    let operator = operators.iter().find(|operator| range.starts_with(**operator));
    let bound = parse(range.trim_start_matches(operator.copied().unwrap_or("")).trim())?;
    let version = parse(version)?;
    Some(match operator.copied() {
        Some(">=") => version >= bound,
        Some("<=") => version <= bound,
        Some(">") => version > bound,
        Some("<") => version < bound,
        Some("!=") => version != bound,
        _ => version == bound,
    })
}

/// Major, minor, patch; a pre-release suffix is left out.
fn parse(text: &str) -> Option<[u32; 3]> {
    let core = text.split(['-', '+']).next()?;
    let mut numbers = [0; 3];
    let parts: Vec<&str> = core.split('.').collect();
    if parts.is_empty() || parts.len() > 3 {
        return None;
    }
    for (number, part) in numbers.iter_mut().zip(parts) {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        *number = digits.parse().ok()?;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_compared_number_by_number() {
        assert_eq!(accepts(">=1.6.0", "1.11.0"), Some(true));
        assert_eq!(accepts("<1.9.0", "1.11.0"), Some(false));
        assert_eq!(accepts("<2.0.0", "1.11.0"), Some(true));
        assert_eq!(accepts("1.11", "1.11.0"), Some(true));
        assert_eq!(accepts("=1.7.0", "1.11.0"), Some(false));
        assert_eq!(accepts(">=1.6.0-rc1", "1.11.0"), Some(true));
        assert_eq!(accepts(">=soon", "1.11.0"), None);
    }
}
