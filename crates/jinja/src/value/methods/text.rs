//! The methods of Python's `str`.

use super::Outcome;
use super::format::brace_format;
use crate::limits::OUTPUT_BYTES_MAX_DEFAULT;
use crate::value::{Kind, Value, elements, integer_of, kind_of, list, tuple, type_name};
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
        "lower" | "casefold" => Ok(Value::from(text.to_lowercase())),
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
            let size = parts.iter().map(String::len).fold(parts.len().saturating_mul(text.len()), usize::saturating_add);
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
            let mut args = args.bind("startswith", &["prefix"], 1)?;
            let wanted = args.take(0);
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
                _ => (missing / 2, missing - missing / 2),
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
        _ => Err(format!("'str' object has no attribute '{name}'")),
    }
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
