//! Plain scalars, resolved as PyYAML's `SafeLoader` does (<https://yaml.org/type/>).

use super::Kind;

/// What a plain scalar means. Dates stay text: dbt prints them back as they were written.
pub(super) fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Kind::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Kind::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Kind::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Kind::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Kind::Float(f64::NAN),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Kind::Text(text.into());
    }
    if let Some(value) = int(text) {
        return Kind::Int(value);
    }
    float(text).map_or_else(|| Kind::Text(text.into()), Kind::Float)
}

/// A whole number in base 2, 8 (leading zero), 10, 16 or 60. One that does not fit stays text, exact.
pub(super) fn int(text: &str) -> Option<i64> {
    let (negative, digits) = sign(text);
    let magnitude = if let Some(binary) = digits.strip_prefix("0b") {
        radix(binary, 2)?
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        radix(hexadecimal, 16)?
    } else if digits.contains(':') {
        sexagesimal(digits)?
    } else if digits.len() > 1 && digits.starts_with('0') {
        radix(&digits[1..], 8)?
    } else if digits.starts_with(|c: char| c.is_ascii_digit()) {
        radix(digits, 10)?
    } else {
        return None;
    };
    if negative { Some(-magnitude) } else { Some(magnitude) }
}

/// A number with a point. YAML 1.1 wants the point and a sign in the exponent; `1e5` is text.
pub(super) fn float(text: &str) -> Option<f64> {
    let (_, digits) = sign(text);
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let starts_well = whole.starts_with(|c: char| c.is_ascii_digit())
        || (whole.is_empty() && fraction.starts_with(|c: char| c.is_ascii_digit()));
    if !starts_well || !plain(whole) || !plain(fraction) {
        return None;
    }
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-'])?;
        if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
    }
    text.replace('_', "").parse().ok()
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn radix(digits: &str, base: u32) -> Option<i64> {
    let cleaned = digits.replace('_', "");
    if cleaned.is_empty() || cleaned.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(&cleaned, base).ok()
}

fn sexagesimal(digits: &str) -> Option<i64> {
    let mut parts = digits.split(':');
    let first = parts.next()?;
    if !first.starts_with(|c: char| c.is_ascii_digit() && c != '0') {
        return None;
    }
    let mut value = radix(first, 10)?;
    for part in parts {
        let small = !part.is_empty() && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let digit: i64 = part.parse().ok().filter(|digit| small && *digit < 60)?;
        value = value.checked_mul(60)?.checked_add(digit)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_they_mean_to_dbt_users() {
        let cases = [
            ("yes", Kind::Bool(true)),
            ("Off", Kind::Bool(false)),
            ("y", Kind::Text("y".into())),
            ("~", Kind::Null),
            ("", Kind::Null),
            ("010", Kind::Int(8)),
            ("0x1F", Kind::Int(31)),
            ("1_000", Kind::Int(1000)),
            ("-7", Kind::Int(-7)),
            ("12:30", Kind::Int(750)),
            ("1.0", Kind::Float(1.0)),
            ("1.", Kind::Float(1.0)),
            (".5", Kind::Float(0.5)),
            ("1.5e+3", Kind::Float(1500.0)),
            ("1e5", Kind::Text("1e5".into())),
            ("1.0.0", Kind::Text("1.0.0".into())),
            ("089", Kind::Text("089".into())),
            ("2025-06-01", Kind::Text("2025-06-01".into())),
            ("-", Kind::Text("-".into())),
            ("99999999999999999999", Kind::Text("99999999999999999999".into())),
            ("warn", Kind::Text("warn".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(resolve(text), expected, "{text}");
        }
    }
}
