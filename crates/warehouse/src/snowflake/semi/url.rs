//! PARSE_URL. Source: Snowflake's page "PARSE_URL": parts that a URL does not have are JSON nulls; the path stands without
//! its first slash.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::json;
use super::super::scalar::{Call, Function, function, variant};

pub(super) const FUNCTIONS: &[Function] = &[function(&["parse_url"], 1, 2, variant, parse_url)];

/// The parts of a URL.
struct Parts<'a> {
    scheme: &'a str,
    host: Option<&'a str>,
    port: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

fn parts(url: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = url.split_once(':')?;
    let named = scheme.starts_with(|char: char| char.is_ascii_alphabetic())
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char));
    if !named {
        return None;
    }
    let (rest, fragment) = match rest.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (rest, None),
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    let Some(rest) = rest.strip_prefix("//") else {
        return Some(Parts { scheme, host: None, port: None, path: rest, query, fragment });
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        _ => (authority, None),
    };
    Some(Parts { scheme, host: Some(host), port, path, query, fragment })
}

fn text(value: Option<&str>) -> String {
    let mut out = String::new();
    match value {
        Some(value) => json::string(value, &mut out),
        None => out.push_str("null"),
    }
    out
}

/// Parameters of a query; of several with one name, the last.
fn parameters(query: Option<&str>) -> String {
    let Some(query) = query else { return "null".into() };
    let mut members: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = text(Some(key));
        members.retain(|member| member.0 != key);
        members.push((key, text(Some(value))));
    }
    let mut out = String::new();
    json::object(&mut members, &mut out);
    out
}

fn parse_url(call: &Call<'_>) -> Result<ArrayRef> {
    let (urls, permissive) = (call.text(0)?, call.int_or(1, 0)?);
    call.variants(|row, out| {
        let (Some(url), Some(permissive)) = (urls.get(row), permissive.get(row)) else { return Ok(false) };
        let Some(parts) = parts(url) else {
            if permissive == 0 {
                return Err(call.error(format!("'{url}' is no URL; parse_url(x, 1) gives an object that says so")));
            }
            json::object(&mut [("\"error\"", text(Some(&format!("'{url}' is no URL"))))], out);
            return Ok(true);
        };
        let mut members = [
            ("\"fragment\"", text(parts.fragment)),
            ("\"host\"", text(parts.host)),
            ("\"parameters\"", parameters(parts.query)),
            ("\"path\"", text(Some(parts.path))),
            ("\"port\"", text(parts.port)),
            ("\"query\"", text(parts.query)),
            ("\"scheme\"", text(Some(parts.scheme))),
        ];
        json::object(&mut members, out);
        Ok(true)
    })
}
