//! Python's two ways of filling values into text: `"{} {name:>10}".format(…)` and `"%s %05.2f" % (…)`.

use crate::limits::OUTPUT_BYTES_MAX_DEFAULT;
use crate::value::{Kind, Value, elements, integer_of, kind_of, ops, pairs, repr, type_name};
use crate::vm::Args;

/// How one value is laid out.
#[derive(Default)]
struct Layout {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    /// What parts thousands.
    thousands: Option<char>,
    width: usize,
    precision: Option<usize>,
    letter: Option<char>,
}

/// `text.format(*args, **kwargs)`.
pub(crate) fn brace_format(text: &str, args: &Args) -> Result<String, String> {
    let mut out = String::new();
    let mut automatic = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' if chars.peek() == Some(&'{') => {
                chars.next();
                out.push('{');
            }
            '}' if chars.peek() == Some(&'}') => {
                chars.next();
                out.push('}');
            }
            '}' => return Err("Single '}' encountered in format string".to_owned()),
            '{' => {
                let mut field = String::new();
                let mut depth = 1;
                for c in chars.by_ref() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                    field.push(c);
                }
                if depth > 0 {
                    return Err("Single '{' encountered in format string".to_owned());
                }
                let (name, spec) = field.split_once(':').unwrap_or((&field, ""));
                let (name, conversion) = name.split_once('!').unwrap_or((name, ""));
                let value = field_value(name, args, &mut automatic)?;
                let value = match conversion {
                    "r" => Value::from(repr::repr(&value)),
                    "s" => Value::from(repr::text(&value)),
                    "" => value,
                    other => return Err(format!("Unknown conversion specifier '{other}'")),
                };
                // A layout may itself have fields: `{:{width}}`.
                let spec = nested(spec, args, &mut automatic)?;
                out.push_str(&lay_out(&value, &layout_of(&spec)?)?);
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

fn nested(spec: &str, args: &Args, automatic: &mut usize) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = spec;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("expected '}' before end of string")?;
        out.push_str(before);
        out.push_str(&repr::text(&field_value(name, args, automatic)?));
        rest = after;
    }
    Ok(out + rest)
}

fn field_value(name: &str, args: &Args, automatic: &mut usize) -> Result<Value, String> {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (head, mut rest) = name.split_at(end);
    let mut value = if head.is_empty() {
        *automatic += 1;
        positional(args, *automatic - 1)?
    } else if let Ok(position) = head.parse() {
        positional(args, position)?
    } else {
        args.named.get(head).cloned().ok_or_else(|| format!("KeyError: '{head}'"))?
    };
    while !rest.is_empty() {
        let (key, after) = if let Some(inner) = rest.strip_prefix('[') {
            inner.split_once(']').ok_or("Missing ']' in format string")?
        } else {
            let inner = &rest[1..];
            inner.split_at(inner.find(['.', '[']).unwrap_or(inner.len()))
        };
        let by_name = Value::from(key);
        let found = key.parse::<i64>().ok().and_then(|index| ops::item(&value, &Value::from(index)));
        value = found.or_else(|| ops::item(&value, &by_name)).ok_or_else(|| format!("KeyError: '{key}'"))?;
        rest = after;
    }
    Ok(value)
}

fn positional(args: &Args, position: usize) -> Result<Value, String> {
    args.positional
        .get(position)
        .cloned()
        .ok_or_else(|| format!("Replacement index {position} out of range for positional args tuple"))
}

fn layout_of(spec: &str) -> Result<Layout, String> {
    let mut layout = Layout::default();
    let mut chars: Vec<char> = spec.chars().collect();
    if chars.len() > 1 && matches!(chars[1], '<' | '>' | '^' | '=') {
        layout.fill = Some(chars[0]);
        layout.align = Some(chars[1]);
        chars.drain(..2);
    } else if chars.first().is_some_and(|c| matches!(c, '<' | '>' | '^' | '=')) {
        layout.align = Some(chars.remove(0));
    }
    let mut rest = chars.into_iter().peekable();
    if let Some(sign) = rest.next_if(|c| matches!(c, '+' | '-' | ' ')) {
        layout.sign = Some(sign);
    }
    layout.alternate = rest.next_if_eq(&'#').is_some();
    if rest.next_if_eq(&'0').is_some() && layout.align.is_none() {
        layout.fill = Some('0');
        layout.align = Some('=');
    }
    layout.width = number(&mut rest)?.unwrap_or(0);
    layout.thousands = rest.next_if(|c| matches!(c, ',' | '_'));
    if rest.next_if_eq(&'.').is_some() {
        layout.precision = Some(number(&mut rest)?.ok_or("Format specifier missing precision")?);
    }
    layout.letter = rest.next();
    if rest.next().is_some() {
        return Err(format!("Invalid format specifier '{spec}'"));
    }
    Ok(layout)
}

fn number(chars: &mut std::iter::Peekable<impl Iterator<Item = char>>) -> Result<Option<usize>, String> {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    match digits.parse() {
        Ok(number) if number <= OUTPUT_BYTES_MAX_DEFAULT => Ok(Some(number)),
        _ => Err("Too many decimal digits in format string".to_owned()),
    }
}

fn lay_out(value: &Value, layout: &Layout) -> Result<String, String> {
    let (body, numeric) = match (kind_of(value), layout.letter) {
        (Kind::Int(_) | Kind::Float(_) | Kind::Bool(_), letter) if letter != Some('s') => {
            (numeral(value, layout)?, true)
        }
        (_, None | Some('s')) => {
            let text = repr::text(value);
            (layout.precision.map_or(text.clone(), |most| text.chars().take(most).collect()), false)
        }
        (_, Some(letter)) => {
            return Err(format!("Unknown format code '{letter}' for object of type '{}'", type_name(value)));
        }
    };
    let missing = layout.width.saturating_sub(body.chars().count());
    let fill = layout.fill.unwrap_or(' ').to_string();
    let align = layout.align.unwrap_or(if numeric { '>' } else { '<' });
    Ok(match align {
        '<' => body + &fill.repeat(missing),
        '^' => format!("{}{body}{}", fill.repeat(missing / 2), fill.repeat(missing - missing / 2)),
        '=' => {
            let signed = body.starts_with(['-', '+', ' ']);
            let (sign, digits) = body.split_at(usize::from(signed));
            format!("{sign}{}{digits}", fill.repeat(missing))
        }
        _ => fill.repeat(missing) + &body,
    })
}

fn numeral(value: &Value, layout: &Layout) -> Result<String, String> {
    let as_float = || match kind_of(value) {
        Kind::Float(number) => number,
        Kind::Int(number) => number as f64,
        Kind::Bool(flag) => f64::from(u8::from(flag)),
        _ => 0.0,
    };
    let whole = integer_of(value);
    let precision = layout.precision.unwrap_or(6);
    let (negative, digits) = match (layout.letter, whole) {
        (None | Some('d' | 'i'), Some(number)) => (number < 0, number.unsigned_abs().to_string()),
        (Some('x'), Some(n)) => (n < 0, format!("{}{:x}", if layout.alternate { "0x" } else { "" }, n.unsigned_abs())),
        (Some('X'), Some(n)) => (n < 0, format!("{}{:X}", if layout.alternate { "0X" } else { "" }, n.unsigned_abs())),
        (Some('o'), Some(n)) => (n < 0, format!("{:o}", n.unsigned_abs())),
        (Some('b'), Some(n)) => (n < 0, format!("{:b}", n.unsigned_abs())),
        (Some('f' | 'F'), _) => (as_float() < 0.0, format!("{:.precision$}", as_float().abs())),
        (Some('%'), _) => (as_float() < 0.0, format!("{:.precision$}%", as_float().abs() * 100.0)),
        (Some('e'), _) => {
            let text = format!("{:.precision$e}", as_float().abs());
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
            (as_float() < 0.0, format!("{mantissa}e{sign}{size:0>2}"))
        }
        (None | Some('g'), _) => (
            as_float() < 0.0,
            match layout.precision {
                Some(precision) => general(as_float().abs(), precision),
                None => repr::float(as_float().abs()),
            },
        ),
        (Some(letter), _) => {
            return Err(format!("Unknown format code '{letter}' for object of type '{}'", type_name(value)));
        }
    };
    let digits = match layout.thousands {
        Some(mark) => parted(&digits, mark),
        None => digits,
    };
    let sign = match (negative, layout.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    };
    Ok(format!("{sign}{digits}"))
}

/// The shorter of plain and scientific notation with that many digits, without trailing zeros.
fn general(number: f64, precision: usize) -> String {
    let precision = precision.max(1);
    let exponent = if number == 0.0 { 0 } else { number.log10().floor() as i64 };
    if exponent < -4 || exponent >= precision as i64 {
        return repr::float(number);
    }
    let decimals = usize::try_from(precision as i64 - 1 - exponent).unwrap_or(0);
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn parted(digits: &str, mark: char) -> String {
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position) % 3 == 0 {
            out.push(mark);
        }
        out.push(digit);
    }
    out + fraction
}

/// `text % values`.
pub(crate) fn percent_format(text: &str, values: &Value) -> Result<String, String> {
    let list = match kind_of(values) {
        Kind::Tuple => elements(values).unwrap_or_default(),
        _ => vec![values.clone()],
    };
    let mut next = list.into_iter();
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    let mut by_name = false;
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let mut named = None;
        if chars.next_if_eq(&'(').is_some() {
            let name: String = chars.by_ref().take_while(|c| *c != ')').collect();
            let key = Value::from(name.as_str());
            named = Some(ops::item(values, &key).ok_or_else(|| format!("KeyError: '{name}'"))?);
            by_name = true;
        }
        let mut layout = Layout { align: Some('>'), ..Layout::default() };
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '0' | '#')) {
            match flag {
                '-' => layout.align = Some('<'),
                '0' if layout.align != Some('<') => (layout.fill, layout.align) = (Some('0'), Some('=')),
                '#' => layout.alternate = true,
                '0' => {}
                sign => layout.sign = Some(sign),
            }
        }
        layout.width = number(&mut chars)?.unwrap_or(0);
        if chars.next_if_eq(&'.').is_some() {
            layout.precision = Some(number(&mut chars)?.unwrap_or(0));
        }
        let letter = chars.next().ok_or("incomplete format")?;
        let value = named.or_else(|| next.next()).ok_or("not enough arguments for format string")?;
        let value = match letter {
            'r' => Value::from(repr::repr(&value)),
            's' => Value::from(repr::text(&value)),
            'd' | 'i' | 'u' => match kind_of(&value) {
                Kind::Float(number) => Value::from(number.trunc() as i64),
                Kind::Int(_) | Kind::Bool(_) => value,
                _ => return Err(format!("%{letter} format: a real number is required, not {}", type_name(&value))),
            },
            _ => value,
        };
        layout.letter = Some(if letter == 'r' {
            's'
        } else if letter == 'i' || letter == 'u' {
            'd'
        } else {
            letter
        });
        out.push_str(&lay_out(&value, &layout)?);
    }
    if !by_name && next.next().is_some() && pairs(values).is_none() {
        return Err("not all arguments converted during string formatting".to_owned());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::value::tuple;

    fn braces(text: &str, values: &[Value]) -> String {
        brace_format(text, &Args::positional(values.to_vec())).unwrap()
    }

    #[test]
    fn format_follows_python() {
        let pi = Value::from(3.25125);
        assert_eq!(braces("{} {1} {0}", &[Value::from(1), Value::from("b")]), "1 b 1");
        assert_eq!(
            braces("{:.2f}|{:>8.1f}|{:08.3f}", &[pi.clone(), pi.clone(), Value::from(-3.25125)]),
            "3.25|     3.3|-003.251"
        );
        assert_eq!(
            braces(
                "{:,}|{:05d}|{:<4}|{:^5}|{{}}",
                &[Value::from(1234567), Value::from(42), Value::from("a"), Value::from("b")]
            ),
            "1,234,567|00042|a   |  b  |{}"
        );
        assert_eq!(braces("{:x}|{:%}", &[Value::from(255), Value::from(0.5)]), "ff|50.000000%");
        assert!(brace_format("{}", &Args::positional(vec![])).is_err());
        assert!(brace_format("{", &Args::positional(vec![])).is_err());
    }

    #[test]
    fn percent_follows_python() {
        let values = tuple(vec![Value::from("x"), Value::from(5), Value::from(2.5)]);
        assert_eq!(percent_format("%s-%03d-%.1f%%", &values).unwrap(), "x-005-2.5%");
        assert_eq!(
            percent_format("%5s|%-5s|", &tuple(vec![Value::from("a"), Value::from("b")])).unwrap(),
            "    a|b    |"
        );
        assert!(percent_format("%s", &tuple(vec![])).is_err());
        assert!(percent_format("x", &tuple(vec![Value::from(1)])).is_err());
        assert!(percent_format("%99999999999d", &Value::from(1)).is_err());
    }
}
