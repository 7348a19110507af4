//! Filters on text; anything else is first printed as Python prints it.

use super::{Args, Eval, Value, Vm, repr};
use crate::value::{self, methods};

impl Vm<'_> {
    pub(super) fn text_filter(&mut self, name: &str, text: &str, args: Args) -> Eval<Value> {
        let whole = |value: Option<Value>, default: usize| match value.as_ref().and_then(value::integer_of) {
            Some(number) => usize::try_from(number.max(0)).unwrap_or(usize::MAX),
            None => default,
        };
        Ok(Value::from(match name {
            "upper" => self.no_arguments(name, args).map(|()| text.to_uppercase())?,
            "lower" => self.no_arguments(name, args).map(|()| text.to_lowercase())?,
            "title" => self.no_arguments(name, args).map(|()| title(text))?,
            "wordcount" => return self.no_arguments(name, args).map(|()| Value::from(words(text))),
            "capitalize" => return self.lift(methods::call(&Value::from(text), name, args)),
            "trim" => {
                let mut args = self.lift(args.bind(name, &["chars"], 0))?;
                match args.given(0).filter(|chars| !chars.is_none()).map(|chars| repr::text(&chars)) {
                    Some(chars) => text.trim_matches(|c| chars.contains(c)).to_owned(),
                    None => text.trim().to_owned(),
                }
            }
            "center" => {
                let mut args = self.lift(args.bind(name, &["width"], 0))?;
                let width = args.given(0).unwrap_or_else(|| Value::from(80));
                return self.lift(methods::call(&Value::from(text), name, Args::positional(vec![width])));
            }
            "replace" => {
                let mut args = self.lift(args.bind(name, &["old", "new", "count"], 2))?;
                let (old, new) = (repr::text(&args.take(0)), repr::text(&args.take(1)));
                let mut all = vec![Value::from(old), Value::from(new)];
                all.extend(args.given(2).filter(|count| !count.is_none()));
                return self.lift(methods::call(&Value::from(text), name, Args::positional(all)));
            }
            "indent" => {
                let mut args = self.lift(args.bind(name, &["width", "first", "blank"], 0))?;
                let indentation = match args.given(0) {
                    Some(width) => match width.as_str() {
                        Some(text) => text.to_owned(),
                        None => " ".repeat(whole(Some(width), 4).min(INDENT_MAX)),
                    },
                    None => "    ".to_owned(),
                };
                let first = args.given(1).is_some_and(|value| value::truthy(&value));
                let blank = args.given(2).is_some_and(|value| value::truthy(&value));
                self.fits(
                    text.len().saturating_add((text.matches('\n').count() + 1).saturating_mul(indentation.len())),
                )?;
                indent(text, &indentation, first, blank)
            }
            "wordwrap" => {
                let names = ["width", "break_long_words", "wrapstring", "break_on_hyphens"];
                let mut args = self.lift(args.bind(name, &names, 0))?;
                let width = whole(args.given(0), 79).max(1);
                let breaks = args.given(1).is_none_or(|value| value::truthy(&value));
                let newline = args
                    .given(2)
                    .filter(|value| !value.is_none())
                    .map_or_else(|| "\n".to_owned(), |text| repr::text(&text));
                let hyphens = args.given(3).is_none_or(|value| value::truthy(&value));
                let wrapped = text.lines().map(|line| wrap(line, width, breaks, hyphens).join(&newline));
                wrapped.collect::<Vec<_>>().join(&newline)
            }
            _ => {
                let mut args = self.lift(args.bind("truncate", &["length", "killwords", "end", "leeway"], 0))?;
                let length = whole(args.given(0), 255);
                let kill = args.given(1).is_some_and(|value| value::truthy(&value));
                let end = args.given(2).map_or_else(|| "...".to_owned(), |end| repr::text(&end));
                if length < end.chars().count() {
                    return Err(self.fail(format!("expected length >= {}, got {length}", end.chars().count())));
                }
                let leeway = whole(args.given(3).filter(|value| !value.is_none()), 5);
                if text.chars().count() <= length.saturating_add(leeway) {
                    return Ok(Value::from(text));
                }
                let cut: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
                let kept =
                    if kill { cut.as_str() } else { cut.rsplit_once(' ').map_or(cut.as_str(), |(kept, _)| kept) };
                format!("{kept}{end}")
            }
        }))
    }
}

/// Blanks that `indent` puts in front of a line at most.
const INDENT_MAX: usize = 1_000;

fn words(text: &str) -> usize {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).count()
}

/// A capital after blanks, hyphens and opening brackets; everything else in lower case.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut starts = true;
    for c in text.chars() {
        if starts {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        starts = c.is_whitespace() || "-({[<".contains(c);
    }
    out
}

fn indent(text: &str, indentation: &str, first: bool, blank: bool) -> String {
    let mut out = String::new();
    if first {
        out.push_str(indentation);
    }
    for (position, line) in text.split('\n').enumerate() {
        if position > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(indentation);
            }
        }
        out.push_str(line);
    }
    out
}

/// One line in lines of at most `width` characters, as Python's `textwrap` breaks them.
fn wrap(line: &str, width: usize, breaks: bool, hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    for c in line.chars() {
        let apart = match chunks.last() {
            None => true,
            Some(chunk) => {
                let blank = chunk.ends_with(char::is_whitespace);
                let hyphen =
                    hyphens && chunk.ends_with('-') && chunk.chars().rev().nth(1).is_some_and(char::is_alphanumeric);
                blank != c.is_whitespace() || (hyphen && c.is_alphabetic())
            }
        };
        match chunks.last_mut() {
            Some(chunk) if !apart => chunk.push(c),
            _ => chunks.push(c.to_string()),
        }
    }
    chunks.reverse();
    let mut lines: Vec<String> = Vec::new();
    while !chunks.is_empty() {
        if !lines.is_empty() && chunks.last().is_some_and(|chunk| chunk.starts_with(char::is_whitespace)) {
            chunks.pop();
        }
        let mut line = String::new();
        let mut used = 0;
        while let Some(chunk) = chunks.pop_if(|chunk| used + chunk.chars().count() <= width) {
            used += chunk.chars().count();
            line.push_str(&chunk);
        }
        if let Some(long) = chunks.pop_if(|chunk| chunk.chars().count() > width) {
            if breaks {
                let take = break_at(&long, width - used, hyphens);
                line.extend(long.chars().take(take));
                chunks.push(long.chars().skip(take).collect());
            } else if line.is_empty() {
                line = long;
            } else {
                chunks.push(long);
            }
        }
        let line = line.trim_end();
        if !line.is_empty() {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// Where a word that is too long is broken: behind its last hyphen that fits, or where the line is full.
fn break_at(word: &str, free: usize, hyphens: bool) -> usize {
    let start: Vec<char> = word.chars().take(free).collect();
    let hyphen = start.iter().rposition(|c| *c == '-').filter(|_| hyphens);
    match hyphen {
        Some(at) if at > 0 && start[..at].iter().any(|c| *c != '-') => at + 1,
        _ => free.max(1),
    }
}
