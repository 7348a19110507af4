//! PostgreSQL's patterns for reading dates and times, `to_date(a, 'YYYY-MM-DD')`, as the engine's, `%Y-%m-%d`.

/// Patterns in upper case, and what the engine calls them; a longer one comes before those it begins with.
const PATTERNS: &[(&str, &str)] = &[
    ("FM", ""),
    ("YYYY", "%Y"),
    ("YY", "%y"),
    ("MONTH", "%B"),
    ("MON", "%b"),
    ("MM", "%m"),
    ("MI", "%M"),
    ("MS", "%3f"),
    ("DDD", "%j"),
    ("DD", "%d"),
    ("DAY", "%A"),
    ("DY", "%a"),
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("HH", "%I"),
    ("SS", "%S"),
    ("US", "%6f"),
    ("AM", "%p"),
    ("PM", "%p"),
];

/// The engine's form of a pattern; `None` when it is the engine's own already, or holds what is not known here.
pub(crate) fn for_engine(pattern: &str) -> Option<String> {
    if pattern.contains('%') {
        return None;
    }
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let is_it = |name: &str| rest.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
        if let Some((name, engines)) = PATTERNS.iter().find(|(name, _)| is_it(name)) {
            out.push_str(engines);
            rest = &rest[name.len()..];
            continue;
        }
        // What stands in double quotes is text, and so is a lonely T between a date and a time.
        if first == '"' {
            let (text, after) = rest[1..].split_once('"')?;
            out.push_str(text);
            rest = after;
            continue;
        }
        if first.is_alphanumeric() && first != 'T' {
            return None;
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    if !out.contains("%p") {
        out = out.replace("%I", "%H");
    }
    // Of an hour without minutes the engine would read the day alone.
    let has_hour = out.contains("%H") || out.contains("%I");
    (has_hour == out.contains("%M")).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::for_engine;

    #[test]
    fn patterns_are_translated_whole_or_not_at_all() {
        for (pattern, engines) in [
            ("YYYY-MM-DD", "%Y-%m-%d"),
            ("yyyymmdd", "%Y%m%d"),
            ("DD Mon YYYY", "%d %b %Y"),
            ("FMMonth FMDD, YYYY", "%B %d, %Y"),
            ("YYYY-MM-DD\"T\"HH24:MI:SS.MS", "%Y-%m-%dT%H:%M:%S.%3f"),
            ("MM/DD/YY HH:MI AM", "%m/%d/%y %I:%M %p"),
            ("YYYY-MM-DD HH:MI:SS", "%Y-%m-%d %H:%M:%S"),
        ] {
            assert_eq!(for_engine(pattern).as_deref(), Some(engines), "{pattern}");
        }
        for pattern in ["%Y-%m-%d", "YYYY-MM-DD HH24", "J", "YYYY-Q", "\"open"] {
            assert_eq!(for_engine(pattern), None, "{pattern}");
        }
    }
}
