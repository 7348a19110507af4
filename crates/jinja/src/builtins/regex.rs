//! `modules.re`: Python's regular expressions on the `regex` crate.
//!
//! Look-around inside of a pattern and back-references are not supported there; such a pattern is refused by name. In
//! return a match takes linear time, so a pattern cannot hang a run.

mod python;

use std::any::Any;

use ::regex::{Captures, Regex, RegexBuilder};

use crate::value::native::{Module, function};
use crate::value::{self, Kind, Native, Value, kind_of, repr};
use crate::vm::{Args, Eval, Vm};

/// Bytes that a compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

const IGNORECASE: i64 = 2;
const MULTILINE: i64 = 8;
const DOTALL: i64 = 16;
const VERBOSE: i64 = 64;

/// `modules.re`.
pub(super) fn module() -> Value {
    let mut members = vec![
        (
            "compile",
            function("compile", |vm, args| {
                let mut args = vm.lift(args.bind("compile", &["pattern", "flags"], 1))?;
                let (pattern, flags) = (args.take(0), flags_of(args.given(1)));
                compiled(vm, &pattern, flags).map(value::native)
            }),
        ),
        (
            "escape",
            function("escape", |vm, args| {
                let [text] = vm.lift(args.exactly("escape", ["pattern"]))?;
                Ok(Value::from(::regex::escape(&repr::text(&text))))
            }),
        ),
    ];
    for (names, flag) in [
        (["IGNORECASE", "I"], IGNORECASE),
        (["MULTILINE", "M"], MULTILINE),
        (["DOTALL", "S"], DOTALL),
        (["VERBOSE", "X"], VERBOSE),
    ] {
        members.extend(names.map(|name| (name, Value::from(flag))));
    }
    members.push(("match", function("match", |vm, args| apply(vm, "match", args))));
    members.push(("fullmatch", function("fullmatch", |vm, args| apply(vm, "fullmatch", args))));
    members.push(("search", function("search", |vm, args| apply(vm, "search", args))));
    members.push(("findall", function("findall", |vm, args| apply(vm, "findall", args))));
    members.push(("finditer", function("finditer", |vm, args| apply(vm, "finditer", args))));
    members.push(("split", function("split", |vm, args| apply(vm, "split", args))));
    members.push(("sub", function("sub", |vm, args| apply(vm, "sub", args))));
    value::native(Module { name: "re", members })
}

fn flags_of(value: Option<Value>) -> i64 {
    value.and_then(|value| i64::try_from(value::integer_of(&value)?).ok()).unwrap_or(0)
}

fn compiled(vm: &Vm<'_>, pattern: &Value, flags: i64) -> Eval<Pattern> {
    if let Some(pattern) = value::as_native::<Pattern>(pattern) {
        return Ok(pattern.clone());
    }
    let text = repr::text(pattern);
    let parts = python::parts(&text, flags & VERBOSE != 0);
    let built = |text: &str| {
        RegexBuilder::new(&format!("{}{text}", parts.flags))
            .case_insensitive(flags & IGNORECASE != 0)
            .multi_line(flags & MULTILINE != 0)
            .dot_matches_new_line(flags & DOTALL != 0)
            .ignore_whitespace(flags & VERBOSE != 0)
            .size_limit(PATTERN_BYTES_MAX)
            .build()
    };
    let made = || -> Result<Pattern, ::regex::Error> {
        let body = &parts.body;
        let (any, ahead) = match &parts.ahead {
            // What follows is found with the rest, in a group behind all others, and is not part of the match.
            Some(ahead) => (built(&format!("{body}({ahead})"))?, Some(built(ahead)?)),
            None => (built(body)?, None),
        };
        let behind: Result<Vec<_>, ::regex::Error> =
            parts.behind.iter().map(|(wanted, before)| Ok((*wanted, built(&format!("(?:{before})\\z"))?))).collect();
        let behind = behind?;
        let names: Vec<Option<String>> = built(body)?.capture_names().map(|name| name.map(str::to_owned)).collect();
        Ok(Pattern { source: text.clone(), whole: built(&format!("\\A(?:{body})\\z"))?, any, names, behind, ahead })
    };
    made().map_err(|error| {
        vm.fail_with_hint(
            format!("the pattern '{text}' cannot be used: {error}"),
            "back-references, and look-around inside of a pattern, are not supported",
        )
    })
}

/// `re.name(pattern, …)`.
fn apply(vm: &mut Vm<'_>, name: &str, mut args: Args) -> Eval<Value> {
    let pattern = match args.named.shift_remove("pattern") {
        Some(pattern) => pattern,
        None if args.positional.is_empty() => {
            return Err(vm.fail(format!("{name}() missing required argument 'pattern'")));
        }
        None => args.positional.remove(0),
    };
    let mut flags = flags_of(args.named.shift_remove("flags"));
    let flags_at = match name {
        "sub" => 3,
        "split" => 2,
        _ => 1,
    };
    if args.positional.len() > flags_at {
        flags = flags_of(Some(args.positional.remove(flags_at)));
    }
    let pattern = compiled(vm, &pattern, flags)?;
    run(vm, &pattern, name, args)
}

fn run(vm: &mut Vm<'_>, pattern: &Pattern, name: &str, args: Args) -> Eval<Value> {
    let found = |hit: Option<Hit<'_>>| hit.map_or_else(value::none, |hit| Match::value(pattern, &hit));
    match name {
        "sub" => {
            let mut args = vm.lift(args.bind(name, &["repl", "string", "count"], 2))?;
            let (with, text, count) = (args.take(0), repr::text(&args.take(1)), args.given(2));
            let most = count.and_then(|count| usize::try_from(value::integer_of(&count)?).ok()).unwrap_or(0);
            substitute(vm, pattern, &with, &text, most)
        }
        "split" => {
            let mut args = vm.lift(args.bind(name, &["string", "maxsplit"], 1))?;
            let text = repr::text(&args.take(0));
            let most =
                args.given(1).and_then(|most| usize::try_from(value::integer_of(&most)?).ok()).filter(|most| *most > 0);
            let mut parts = Vec::new();
            let mut from = 0;
            for hit in pattern.hits(&text).take(most.unwrap_or(usize::MAX)) {
                let (start, end) = hit.span();
                parts.push(Value::from(&text[from..start]));
                parts.extend((1..hit.groups.len()).map(|at| hit.get(at).map_or_else(value::none, Value::from)));
                from = end;
            }
            parts.push(Value::from(&text[from..]));
            Ok(value::list(parts))
        }
        _ => {
            let [text] = vm.lift(args.exactly(name, ["string"]))?;
            let text = repr::text(&text);
            vm.spend(text.len() as u64 / 1024)?;
            Ok(match name {
                "search" => found(pattern.hit_at(&text, 0)),
                "match" => found(pattern.hit_at(&text, 0).filter(|hit| hit.span().0 == 0)),
                "fullmatch" => found(pattern.whole_hit(&text)),
                "finditer" => value::list(pattern.hits(&text).map(|hit| Match::value(pattern, &hit)).collect()),
                _ => value::list(pattern.hits(&text).map(|hit| listed(&hit)).collect()),
            })
        }
    }
}

/// What `findall` gives for one match: the whole, the only group, or a tuple of groups.
fn listed(hit: &Hit<'_>) -> Value {
    let text = |at: usize| Value::from(hit.get(at).unwrap_or(""));
    match hit.groups.len() {
        1 => text(0),
        2 => text(1),
        len => value::tuple((1..len).map(text).collect()),
    }
}

fn substitute(vm: &mut Vm<'_>, pattern: &Pattern, with: &Value, text: &str, most: usize) -> Eval<Value> {
    let mut out = String::new();
    let mut from = 0;
    let limit = if most == 0 { usize::MAX } else { most };
    for hit in pattern.hits(text).take(limit) {
        let (start, end) = hit.span();
        vm.spend(1)?;
        out.push_str(&text[from..start]);
        match kind_of(with) {
            Kind::Native(native) if native.callable() => {
                let made = vm.call_value(with, Args::positional(vec![Match::value(pattern, &hit)]))?;
                out.push_str(&repr::text(&made));
            }
            _ => expand(&repr::text(with), pattern, &hit, &mut out),
        }
        from = end;
    }
    out.push_str(&text[from..]);
    Ok(Value::from(out))
}

/// Python's replacement syntax: `\1`, `\g<name>`, `\g<1>`, `\\`, `\n`.
fn expand(template: &str, pattern: &Pattern, hit: &Hit<'_>, out: &mut String) {
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some(digit) if digit.is_ascii_digit() => {
                let mut number = digit.to_string();
                if let Some(second) = chars.next_if(char::is_ascii_digit) {
                    number.push(second);
                }
                out.push_str(number.parse().ok().and_then(|at: usize| hit.get(at)).unwrap_or(""));
            }
            Some('g') if chars.next_if_eq(&'<').is_some() => {
                let name: String = chars.by_ref().take_while(|c| *c != '>').collect();
                let group = name.parse().ok().or_else(|| pattern.group_named(&name));
                out.push_str(group.and_then(|at: usize| hit.get(at)).unwrap_or(""));
            }
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('\\') => out.push('\\'),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
}

/// Bytes in front of a match that an assertion about them sees.
const BEHIND_BYTES_MAX: usize = 1024;

/// A compiled pattern, and the same for a whole text.
#[derive(Debug, Clone)]
struct Pattern {
    source: String,
    /// With what must follow as its last group.
    any: Regex,
    whole: Regex,
    /// Names of the groups, the whole first.
    names: Vec<Option<String>>,
    /// What must or must not stand in front.
    behind: Vec<(bool, Regex)>,
    /// What must follow.
    ahead: Option<Regex>,
}

/// Where a match and its groups stand in the text.
struct Hit<'t> {
    text: &'t str,
    groups: Vec<Option<(usize, usize)>>,
}

impl<'t> Hit<'t> {
    fn of(captures: &Captures<'t>, text: &'t str) -> Self {
        Self { text, groups: captures.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect() }
    }
    fn span(&self) -> (usize, usize) {
        self.groups.first().copied().flatten().unwrap_or_default()
    }
    fn get(&self, at: usize) -> Option<&'t str> {
        let (start, end) = self.groups.get(at).copied().flatten()?;
        Some(&self.text[start..end])
    }
}

impl Pattern {
    fn group_named(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known.as_deref() == Some(name))
    }

    /// Whether what stands in front of a place is as the pattern wants it.
    fn stands_well(&self, before: &str) -> bool {
        let mut from = before.len().saturating_sub(BEHIND_BYTES_MAX);
        while !before.is_char_boundary(from) {
            from += 1;
        }
        self.behind.iter().all(|(wanted, regex)| regex.is_match(&before[from..]) == *wanted)
    }

    /// The first match that starts at the place or later.
    fn hit_at<'t>(&self, text: &'t str, mut from: usize) -> Option<Hit<'t>> {
        loop {
            let mut hit = Hit::of(&self.any.captures_at(text, from)?, text);
            let (start, end) = hit.span();
            if self.stands_well(&text[..start]) {
                if self.ahead.is_some() {
                    let behind = hit.groups.get(self.names.len()).copied().flatten();
                    hit.groups.truncate(self.names.len());
                    if let Some(whole) = hit.groups.first_mut() {
                        *whole = Some((start, behind.map_or(end, |(behind, _)| behind)));
                    }
                }
                return Some(hit);
            }
            from = start + text[start..].chars().next()?.len_utf8();
        }
    }

    fn whole_hit<'t>(&self, text: &'t str) -> Option<Hit<'t>> {
        let follows = self.ahead.as_ref().is_none_or(|ahead| ahead.find_at(text, text.len()).is_some());
        let hit = Hit::of(&self.whole.captures(text)?, text);
        (follows && self.stands_well("")).then_some(hit)
    }

    /// All matches, none inside of another; an empty one does not stand right behind the one before it.
    fn hits<'t>(&self, text: &'t str) -> impl Iterator<Item = Hit<'t>> {
        let (mut from, mut last) = (0, None);
        std::iter::from_fn(move || {
            loop {
                if from > text.len() {
                    return None;
                }
                let hit = self.hit_at(text, from)?;
                let (start, end) = hit.span();
                let is_empty = start == end;
                from = if is_empty { end + text[end..].chars().next().map_or(1, char::len_utf8) } else { end };
                if !is_empty || last != Some(end) {
                    last = Some(end);
                    return Some(hit);
                }
            }
        })
    }
}

impl Native for Pattern {
    fn type_name(&self) -> &'static str {
        "Pattern"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn get(&self, name: &str) -> Option<Value> {
        (name == "pattern").then(|| Value::from(self.source.as_str()))
    }
    fn methods(&self) -> &'static [&'static str] {
        &["match", "fullmatch", "search", "findall", "finditer", "split", "sub"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        run(vm, self, name, args)
    }
}

/// A match: the groups, and where the whole stands (in characters).
#[derive(Debug)]
struct Match {
    groups: Vec<Option<String>>,
    names: Vec<Option<String>>,
    span: (usize, usize),
}

impl Match {
    fn value(pattern: &Pattern, hit: &Hit<'_>) -> Value {
        let groups = (0..hit.groups.len()).map(|at| hit.get(at).map(str::to_owned)).collect();
        value::native(Self { groups, names: pattern.names.clone(), span: hit.span() })
    }
    fn group(&self, key: &Value) -> Option<Value> {
        let at = match kind_of(key) {
            Kind::Int(at) => usize::try_from(at).ok()?,
            Kind::Str(name) => self.names.iter().position(|known| known.as_deref() == Some(name))?,
            _ => return None,
        };
        Some(self.groups.get(at)?.as_deref().map_or_else(value::none, Value::from))
    }
}

impl Native for Match {
    fn type_name(&self) -> &'static str {
        "Match"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn item(&self, key: &Value) -> Option<Value> {
        self.group(key)
    }
    fn methods(&self) -> &'static [&'static str] {
        &["group", "groups", "groupdict", "start", "end", "span"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        let text = |group: &Option<String>| group.as_deref().map_or_else(value::none, Value::from);
        Ok(match name {
            "group" => {
                let keys = if args.positional.is_empty() { vec![Value::from(0)] } else { args.positional };
                let mut found = Vec::new();
                for key in &keys {
                    found.push(self.group(key).ok_or_else(|| vm.fail(format!("no such group: {}", repr::repr(key))))?);
                }
                if found.len() == 1 { found.remove(0) } else { value::tuple(found) }
            }
            "groups" => value::tuple(self.groups.iter().skip(1).map(text).collect()),
            "groupdict" => value::dict(
                self.names.iter().zip(&self.groups).filter_map(|(name, group)| Some((name.as_deref()?, text(group)))),
            ),
            "start" => Value::from(self.span.0),
            "end" => Value::from(self.span.1),
            _ => value::tuple(vec![Value::from(self.span.0), Value::from(self.span.1)]),
        })
    }
}
