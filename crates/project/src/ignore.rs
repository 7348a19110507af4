//! `.dbtignore`: files of a package that are not part of it.
//!
//! Guarantees: the patterns that dbt users write (`name`, `folder/`, `*.sql`, `/models/x`, `**/x`, `!keep`) mean what
//! they mean in `.gitignore`. Deliberately absent: nested ignore files; dbt reads only the one in the package root.

use std::path::Path;

use glob::{MatchOptions, Pattern};

/// The rules of one `.dbtignore` file; the last rule that matches decides.
#[derive(Debug, Default)]
pub(crate) struct IgnoreRules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    keeps: bool,
    /// Whether only folders match.
    folder_only: bool,
}

/// `*` stays within one folder, as in `.gitignore`.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

impl IgnoreRules {
    /// The rules of a package; none when it has no `.dbtignore`.
    pub(crate) fn of_package(dir: &Path) -> Self {
        crate::files::read_if_there(&dir.join(".dbtignore")).map(|text| Self::parse(&text)).unwrap_or_default()
    }

    fn parse(text: &str) -> Self {
        let rules = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(rules.filter_map(Rule::parse).collect())
    }

    /// Whether the file at this path (relative to the package) is left out.
    pub(crate) fn ignores(&self, path: &str) -> bool {
        let mut ignored = false;
        for rule in &self.0 {
            let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
            let hit = folders.into_iter().any(|folder| rule.pattern.matches_with(folder, OPTIONS))
                || (!rule.folder_only && rule.pattern.matches_with(path, OPTIONS));
            if hit {
                ignored = !rule.keeps;
            }
        }
        ignored
    }
}

impl Rule {
    fn parse(line: &str) -> Option<Self> {
        let (keeps, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (folder_only, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        // Without a separator inside, a pattern holds in every folder.
        let anchored = line.contains('/');
        let pattern = line.trim_start_matches('/');
        let pattern = if anchored { pattern.to_owned() } else { format!("**/{pattern}") };
        Some(Self { pattern: Pattern::new(&pattern).ok()?, keeps, folder_only })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_gitignore() {
        let rules = IgnoreRules::parse("# comment\n*.tmp.sql\n/models/old/\nscratch\n!keep.tmp.sql\n");
        for ignored in ["models/a.tmp.sql", "models/old/a.sql", "models/old/b/c.sql", "models/scratch/a.sql"] {
            assert!(rules.ignores(ignored), "{ignored}");
        }
        for kept in ["models/a.sql", "models/new/old/a.sql", "models/keep.tmp.sql", "models/scratches.sql"] {
            assert!(!rules.ignores(kept), "{kept}");
        }
    }
}
