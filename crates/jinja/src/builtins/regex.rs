//! `modules.re`: Python's regular expressions on the `regex` crate.
//!
//! Look-around and back-references inside a pattern are not supported there; such a pattern is refused by name. In
//! return every match takes linear time, so a pattern cannot hang a run.

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
    // Python's `\Z` is the very end; here that is `\z`. `(?P<n>…)` is the same in both.
    let text = repr::text(pattern).replace("\\Z", "\\z");
    let built = |text: &str| {
        RegexBuilder::new(text)
            .case_insensitive(flags & IGNORECASE != 0)
            .multi_line(flags & MULTILINE != 0)
            .dot_matches_new_line(flags & DOTALL != 0)
            .ignore_whitespace(flags & VERBOSE != 0)
            .size_limit(PATTERN_BYTES_MAX)
            .build()
    };
    // The line break keeps a comment at the end of a verbose pattern from swallowing the parenthesis.
    let close = if flags & VERBOSE != 0 { "\n" } else { "" };
    let outcome = built(&text).and_then(|any| Ok(Pattern { any, whole: built(&format!("\\A(?:{text}{close})\\z"))? }));
    outcome.map_err(|error| {
        vm.fail_with_hint(
            format!("the pattern '{text}' cannot be used: {error}"),
            "look-around and back-references are not supported",
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
    let regex = &pattern.any;
    let found =
        |captures: Option<Captures<'_>>| captures.map_or_else(value::none, |captures| Match::value(regex, &captures));
    match name {
        "sub" => {
            let mut args = vm.lift(args.bind(name, &["repl", "string", "count"], 2))?;
            let (with, text, count) = (args.take(0), repr::text(&args.take(1)), args.given(2));
            let most = count.and_then(|count| usize::try_from(value::integer_of(&count)?).ok()).unwrap_or(0);
            substitute(vm, regex, &with, &text, most)
        }
        "split" => {
            let mut args = vm.lift(args.bind(name, &["string", "maxsplit"], 1))?;
            let text = repr::text(&args.take(0));
            let most =
                args.given(1).and_then(|most| usize::try_from(value::integer_of(&most)?).ok()).filter(|most| *most > 0);
            let mut parts = Vec::new();
            let mut from = 0;
            for captures in regex.captures_iter(&text).take(most.unwrap_or(usize::MAX)) {
                let Some(whole) = captures.get(0) else { continue };
                parts.push(Value::from(&text[from..whole.start()]));
                parts.extend(
                    captures
                        .iter()
                        .skip(1)
                        .map(|group| group.map_or_else(value::none, |group| Value::from(group.as_str()))),
                );
                from = whole.end();
            }
            parts.push(Value::from(&text[from..]));
            Ok(value::list(parts))
        }
        _ => {
            let [text] = vm.lift(args.exactly(name, ["string"]))?;
            let text = repr::text(&text);
            vm.spend(text.len() as u64 / 1024)?;
            Ok(match name {
                "search" => found(regex.captures(&text)),
                "match" => found(
                    regex.captures(&text).filter(|captures| captures.get(0).is_some_and(|whole| whole.start() == 0)),
                ),
                "fullmatch" => found(pattern.whole.captures(&text)),
                "finditer" => {
                    value::list(regex.captures_iter(&text).map(|captures| Match::value(regex, &captures)).collect())
                }
                _ => value::list(regex.captures_iter(&text).map(|captures| listed(&captures)).collect()),
            })
        }
    }
}

/// What `findall` gives for one match: the whole, the only group, or a tuple of groups.
fn listed(captures: &Captures<'_>) -> Value {
    let text = |at: usize| Value::from(captures.get(at).map_or("", |group| group.as_str()));
    match captures.len() {
        1 => text(0),
        2 => text(1),
        len => value::tuple((1..len).map(text).collect()),
    }
}

fn substitute(vm: &mut Vm<'_>, regex: &Regex, with: &Value, text: &str, most: usize) -> Eval<Value> {
    let mut out = String::new();
    let mut from = 0;
    let limit = if most == 0 { usize::MAX } else { most };
    for captures in regex.captures_iter(text).take(limit) {
        let Some(whole) = captures.get(0) else { continue };
        vm.spend(1)?;
        out.push_str(&text[from..whole.start()]);
        match kind_of(with) {
            Kind::Native(native) if native.callable() => {
                let made = vm.call_value(with, Args::positional(vec![Match::value(regex, &captures)]))?;
                out.push_str(&repr::text(&made));
            }
            _ => expand(&repr::text(with), &captures, &mut out),
        }
        from = whole.end();
    }
    out.push_str(&text[from..]);
    Ok(Value::from(out))
}

/// Python's replacement syntax: `\1`, `\g<name>`, `\g<1>`, `\\`, `\n`.
fn expand(template: &str, captures: &Captures<'_>, out: &mut String) {
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
                out.push_str(
                    number.parse().ok().and_then(|at: usize| captures.get(at)).map_or("", |group| group.as_str()),
                );
            }
            Some('g') if chars.next_if_eq(&'<').is_some() => {
                let name: String = chars.by_ref().take_while(|c| *c != '>').collect();
                let group = match name.parse::<usize>() {
                    Ok(at) => captures.get(at),
                    Err(_) => captures.name(&name),
                };
                out.push_str(group.map_or("", |group| group.as_str()));
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

/// A compiled pattern, and the same for a whole text.
#[derive(Debug, Clone)]
struct Pattern {
    any: Regex,
    whole: Regex,
}

impl Native for Pattern {
    fn type_name(&self) -> &'static str {
        "Pattern"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn get(&self, name: &str) -> Option<Value> {
        (name == "pattern").then(|| Value::from(self.any.as_str()))
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
    fn value(regex: &Regex, captures: &Captures<'_>) -> Value {
        let groups = captures.iter().map(|group| group.map(|group| group.as_str().to_owned())).collect();
        let names = regex.capture_names().map(|name| name.map(str::to_owned)).collect();
        let span = captures.get(0).map_or((0, 0), |whole| (whole.start(), whole.end()));
        value::native(Self { groups, names, span })
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
