//! The methods of Python's `str`.

use super::Outcome;
use super::format::brace_format;
use crate::limits::OUTPUT_BYTES_MAX_DEFAULT;
use crate::value::{Kind, Value, dict, elements, integer_of, kind_of, list, none, ops, pairs, repr, tuple, type_name};
use crate::vm::Args;

fn flag(value: bool) -> Outcome {
    Ok(Value::from(value))
}

fn words(items: impl Iterator<Item = impl AsRef<str>>) -> Outcome {
    Ok(list(items.map(|item| Value::from(item.as_ref())).collect()))
}

fn text_arg(value: &Value) -> Result<String, String> {
    match kind_of(value) {
        Kind::Str(text) => Ok(text.to_owned()),
        _ => Err(format!("expected str, got {}", type_name(value))),
    }
}

/// Calls a method of a text.
pub(super) fn strings(text: &str, name: &str, args: Args) -> Outcome {
    let every = |test: fn(char) -> bool| flag(!text.is_empty() && text.chars().all(test));
    match name {
        "upper" => Ok(Value::from(text.to_uppercase())),
        "lower" => Ok(Value::from(text.to_lowercase())),
        // Texts that only differ in case are the same after this.
        "casefold" => Ok(Value::from(text.to_lowercase().replace('ß', "ss"))),
        "swapcase" => Ok(Value::from(
            text.chars()
                .flat_map(|c| {
                    if c.is_uppercase() { c.to_lowercase().collect::<Vec<_>>() } else { c.to_uppercase().collect() }
                })
                .collect::<String>(),
        )),
        "capitalize" => {
            let mut chars = text.chars();
            let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
            Ok(Value::from(first + &chars.as_str().to_lowercase()))
        }
        "title" => Ok(Value::from(title(text))),
        "strip" | "lstrip" | "rstrip" => strip(text, name, args),
        "split" | "rsplit" => split(text, name == "rsplit", args),
        "splitlines" => words(text.lines()),
        "join" => {
            let [items] = args.exactly("join", ["iterable"])?;
            let items = elements(&items).ok_or("can only join an iterable")?;
            let parts: Vec<String> = items
                .iter()
                .enumerate()
                .map(|(position, item)| {
                    text_arg(item).map_err(|_| {
                        format!("sequence item {position}: expected str instance, {} found", type_name(item))
                    })
                })
                .collect::<Result<_, _>>()?;
            let size =
                parts.iter().map(String::len).fold(parts.len().saturating_mul(text.len()), usize::saturating_add);
            fits(size)?;
            Ok(Value::from(parts.join(text)))
        }
        "replace" => {
            let mut args = args.bind("replace", &["old", "new", "count"], 2)?;
            let (old, new) = (text_arg(&args.take(0))?, text_arg(&args.take(1))?);
            fits(text.len().saturating_add(text.matches(&old).count().saturating_mul(new.len())))?;
            match integer_of(&args.take(2)) {
                Some(count) if count >= 0 => {
                    Ok(Value::from(text.replacen(&old, &new, usize::try_from(count).unwrap_or(usize::MAX))))
                }
                _ => Ok(Value::from(text.replace(&old, &new))),
            }
        }
        "startswith" | "endswith" => {
            let mut args = args.bind(name, &["prefix", "start", "end"], 1)?;
            let wanted = args.take(0);
            let cut = cut_of(text, args.given(1), args.given(2))?;
            let text = cut.as_str();
            let options = if matches!(kind_of(&wanted), Kind::Tuple) {
                elements(&wanted).unwrap_or_default()
            } else {
                vec![wanted]
            };
            for option in &options {
                let option = text_arg(option)?;
                if (name == "startswith" && text.starts_with(&option))
                    || (name == "endswith" && text.ends_with(&option))
                {
                    return flag(true);
                }
            }
            flag(false)
        }
        "format" => brace_format(text, &args).map(Value::from),
        "find" | "rfind" | "index" | "rindex" => {
            let mut args = args.bind(name, &["sub", "start"], 1)?;
            let part = text_arg(&args.take(0))?;
            let start = usize::try_from(integer_of(&args.take(1)).unwrap_or(0)).unwrap_or(0);
            let skip: usize = text.chars().take(start).map(char::len_utf8).sum();
            let rest = &text[skip..];
            let found = if name.starts_with('r') { rest.rfind(&part) } else { rest.find(&part) };
            match found {
                Some(byte) => Ok(Value::from(text[..skip + byte].chars().count())),
                None if name.ends_with("index") => Err("substring not found".to_owned()),
                None => Ok(Value::from(-1)),
            }
        }
        "count" => {
            let [part] = args.exactly("count", ["sub"])?;
            let part = text_arg(&part)?;
            Ok(Value::from(if part.is_empty() { text.chars().count() + 1 } else { text.matches(&part).count() }))
        }
        "isdigit" | "isdecimal" => every(|c| c.is_ascii_digit()),
        "isnumeric" => every(char::is_numeric),
        "isalpha" => every(char::is_alphabetic),
        "isalnum" => every(char::is_alphanumeric),
        "isspace" => every(char::is_whitespace),
        "isupper" => flag(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)),
        "islower" => flag(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)),
        "zfill" => {
            let [width] = args.exactly("zfill", ["width"])?;
            let missing = width_of(&width)?.saturating_sub(text.chars().count());
            let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
            Ok(Value::from(format!("{sign}{}{digits}", "0".repeat(missing))))
        }
        "ljust" | "rjust" | "center" => {
            let mut args = args.bind(name, &["width", "fillchar"], 1)?;
            let missing = width_of(&args.take(0))?.saturating_sub(text.chars().count());
            let fill = args.given(1).map_or(Ok(" ".to_owned()), |fill| text_arg(&fill))?;
            let (left, right) = match name {
                "ljust" => (0, missing),
                "rjust" => (missing, 0),
                // Where the blanks cannot be halved, Python's odd one is on the left if the width is odd.
                _ => {
                    let left = missing / 2 + (missing & (missing + text.chars().count()) & 1);
                    (left, missing - left)
                }
            };
            Ok(Value::from(format!("{}{text}{}", fill.repeat(left), fill.repeat(right))))
        }
        "partition" | "rpartition" => {
            let [separator] = args.exactly(name, ["sep"])?;
            let separator = text_arg(&separator)?;
            let parts = if name == "partition" {
                text.split_once(&separator).map_or([text, "", ""], |(a, b)| [a, &separator, b])
            } else {
                text.rsplit_once(&separator).map_or(["", "", text], |(a, b)| [a, &separator, b])
            };
            Ok(tuple(parts.iter().map(|part| Value::from(*part)).collect()))
        }
        "removeprefix" => {
            let [part] = args.exactly(name, ["prefix"])?;
            Ok(Value::from(text.strip_prefix(&text_arg(&part)?).unwrap_or(text)))
        }
        "removesuffix" => {
            let [part] = args.exactly(name, ["suffix"])?;
            Ok(Value::from(text.strip_suffix(&text_arg(&part)?).unwrap_or(text)))
        }
        "encode" => Ok(Value::from(text)),
        "istitle" => flag(text.chars().any(char::is_alphabetic) && title(text) == text),
        "isidentifier" => flag(
            text.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && text.chars().all(|c| c.is_alphanumeric() || c == '_'),
        ),
        "isascii" => flag(text.is_ascii()),
        "isprintable" => flag(!text.chars().any(char::is_control)),
        "format_map" => {
            let [mapping] = args.exactly(name, ["mapping"])?;
            let mut named = Args::default();
            let pairs = pairs(&mapping).ok_or("format_map() takes a mapping")?;
            named.named.extend(pairs.into_iter().map(|(key, item)| (repr::text(&key), item)));
            brace_format(text, &named).map(Value::from)
        }
        "expandtabs" => {
            let mut args = args.bind(name, &["tabsize"], 0)?;
            expand_tabs(text, args.given(0).map_or(Ok(8), |size| width_of(&size))?)
        }
        "maketrans" => maketrans(args),
        "translate" => {
            let [table] = args.exactly(name, ["table"])?;
            translate(text, &table)
        }
        _ => Err(format!("'str' object has no attribute '{name}'")),
    }
}

/// Blanks up to the next multiple of `size` instead of each tab.
fn expand_tabs(text: &str, size: usize) -> Outcome {
    fits(text.len().saturating_add(text.matches('\t').count().saturating_mul(size)))?;
    let (mut out, mut column) = (String::new(), 0);
    for c in text.chars() {
        if c == '\t' {
            let blanks = if size > 0 { size - column % size } else { 0 };
            out.push_str(&" ".repeat(blanks));
            column += blanks;
        } else {
            out.push(c);
            column = if c == '\n' || c == '\r' { 0 } else { column + 1 };
        }
    }
    Ok(Value::from(out))
}

/// Each character replaced by what the table has under its number: a text, a number, or none.
/// The table for `translate`: code points to code points, texts or none.
fn maketrans(args: Args) -> Outcome {
    let mut args = args.bind("maketrans", &["x", "y", "z"], 1)?;
    let from = args.take(0);
    let (to, dropped) = (args.given(1), args.given(2));
    let code = |c: char| Value::from(c as u32);
    let Some(to) = to else {
        let given = pairs(&from).ok_or("if you give only one argument to maketrans it must be a dict")?;
        let table = given.into_iter().map(|(key, value)| match kind_of(&key) {
            Kind::Str(text) => {
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok((code(c), value)),
                    _ => Err("string keys in translate table must be of length 1".to_owned()),
                }
            }
            _ => Ok((key.clone(), value)),
        });
        return Ok(dict(table.collect::<Result<Vec<_>, _>>()?));
    };
    let (from, to) = (text_arg(&from)?, text_arg(&to)?);
    if from.chars().count() != to.chars().count() {
        return Err("the first two maketrans arguments must have equal length".to_owned());
    }
    let pairs = from.chars().zip(to.chars());
    let mut table: Vec<(Value, Value)> = pairs.map(|(from, to)| (code(from), code(to))).collect();
    if let Some(dropped) = dropped {
        table.extend(text_arg(&dropped)?.chars().map(|c| (code(c), none())));
    }
    Ok(dict(table))
}

fn translate(text: &str, table: &Value) -> Outcome {
    let mut out = String::new();
    for c in text.chars() {
        match ops::item(table, &Value::from(c as u32)) {
            None => out.push(c),
            Some(found) => match (kind_of(&found), integer_of(&found)) {
                (Kind::None, _) => {}
                (_, Some(code)) => out.extend(u32::try_from(code).ok().and_then(char::from_u32)),
                _ => out.push_str(&text_arg(&found)?),
            },
        }
        fits(out.len())?;
    }
    Ok(Value::from(out))
}

/// The part of a text between two Python indexes.
fn cut_of(text: &str, start: Option<Value>, end: Option<Value>) -> Result<String, String> {
    if start.is_none() && end.is_none() {
        return Ok(text.to_owned());
    }
    let index = |value: Option<Value>| value.as_ref().and_then(integer_of);
    ops::slice(&Value::from(text), [index(start), index(end), None]).map(|part| repr::text(&part))
}

fn fits(bytes: usize) -> Result<(), String> {
    if bytes > OUTPUT_BYTES_MAX_DEFAULT {
        return Err(format!("a text of {bytes} bytes would come out; at most {OUTPUT_BYTES_MAX_DEFAULT} are allowed"));
    }
    Ok(())
}

fn width_of(value: &Value) -> Result<usize, String> {
    let width = integer_of(value).ok_or_else(|| format!("expected int, got {}", type_name(value)))?;
    let width = usize::try_from(width.max(0)).unwrap_or(usize::MAX);
    if width > OUTPUT_BYTES_MAX_DEFAULT {
        return Err(format!("a text wider than {OUTPUT_BYTES_MAX_DEFAULT} characters is refused"));
    }
    Ok(width)
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase())
        } else {
            out.extend(c.to_uppercase())
        }
        inside = c.is_alphabetic();
    }
    out
}

fn strip(text: &str, name: &str, args: Args) -> Outcome {
    let mut args = args.bind(name, &["chars"], 0)?;
    let chars = match args.given(0) {
        Some(value) if !value.is_none() => Some(text_arg(&value)?),
        _ => None,
    };
    let cut = |c: char| chars.as_ref().map_or(c.is_whitespace(), |chars| chars.contains(c));
    Ok(Value::from(match name {
        "strip" => text.trim_matches(cut),
        "lstrip" => text.trim_start_matches(cut),
        _ => text.trim_end_matches(cut),
    }))
}

fn split(text: &str, from_right: bool, args: Args) -> Outcome {
    let mut args = args.bind("split", &["sep", "maxsplit"], 0)?;
    let separator = args.given(0).filter(|value| !value.is_none());
    let most = args.given(1).and_then(|value| integer_of(&value)).and_then(|most| usize::try_from(most).ok());
    let Some(separator) = separator else {
        return match most {
            None => words(text.split_whitespace()),
            Some(most) => words(split_blanks(text, most, from_right).into_iter()),
        };
    };
    let separator = text_arg(&separator)?;
    if separator.is_empty() {
        return Err("empty separator".to_owned());
    }
    match (most, from_right) {
        (None, _) => words(text.split(&separator)),
        (Some(most), false) => words(text.splitn(most.saturating_add(1), &separator)),
        (Some(most), true) => {
            let mut parts: Vec<&str> = text.rsplitn(most.saturating_add(1), &separator).collect();
            parts.reverse();
            words(parts.into_iter())
        }
    }
}

fn split_blanks(text: &str, most: usize, from_right: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while parts.len() < most {
        let cut = if from_right { rest.rfind(char::is_whitespace) } else { rest.find(char::is_whitespace) };
        let Some(cut) = cut else { break };
        let after = cut + rest[cut..].chars().next().map_or(1, char::len_utf8);
        let (part, remaining) = if from_right {
            (&rest[after..], rest[..cut].trim_end())
        } else {
            (&rest[..cut], rest[after..].trim_start())
        };
        parts.push(part);
        rest = remaining;
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    if from_right {
        parts.reverse();
    }
    parts
}
