//! Filters that were made for HTML and addresses.

use super::{Args, Eval, Value, Vm, repr};
use crate::value;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('>', "&gt;").replace('<', "&lt;").replace('\'', "&#39;").replace('"', "&#34;")
}

/// Text with everything but letters, digits and `_.-~` as `%XX`; slashes are kept where they part a path.
fn percent(value: &Value, keeps_slash: bool) -> String {
    let mut out = String::new();
    for byte in repr::text(value).bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) || (keeps_slash && byte == b'/') {
            out.push(char::from(byte));
        } else if byte == b' ' && !keeps_slash {
            out.push('+');
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn without_tags(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let close = if rest[open..].starts_with("<!--") { "-->" } else { ">" };
        match rest[open..].find(close) {
            Some(end) => rest = &rest[open + end + close.len()..],
            None => {
                out.push_str(&rest[open..]);
                rest = "";
            }
        }
    }
    out.push_str(rest);
    let joined = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    named.iter().fold(joined, |text, (name, character)| text.replace(name, character))
}

impl Vm<'_> {
    pub(super) fn html_filter(&mut self, name: &str, input: &Value, args: Args) -> Eval<Value> {
        Ok(Value::from(match name {
            "striptags" => self.no_arguments(name, args).map(|()| without_tags(&repr::text(input)))?,
            "urlencode" => {
                self.no_arguments(name, args)?;
                let pairs = match value::pairs(input) {
                    Some(pairs) => Some(pairs),
                    None if input.as_str().is_some() => None,
                    None => value::elements(input).and_then(|_| value::methods::pairs_of(input).ok()),
                };
                match pairs {
                    Some(pairs) => {
                        let one =
                            |(key, item): &(Value, Value)| format!("{}={}", percent(key, false), percent(item, false));
                        pairs.iter().map(one).collect::<Vec<_>>().join("&")
                    }
                    None => percent(input, true),
                }
            }
            "xmlattr" => {
                let mut args = self.lift(args.bind(name, &["autospace"], 0))?;
                let spaced = args.given(0).is_none_or(|value| value::truthy(&value));
                let Some(pairs) = value::pairs(input) else { return Err(self.fail("xmlattr takes a mapping")) };
                let shown = pairs.iter().filter(|(_, item)| !item.is_none() && !item.is_undefined());
                let one = |(key, item): &(Value, Value)| {
                    format!("{}=\"{}\"", escaped(&repr::text(key)), escaped(&repr::text(item)))
                };
                let all = shown.map(one).collect::<Vec<_>>().join(" ");
                if spaced && !all.is_empty() { format!(" {all}") } else { all }
            }
            _ => self.no_arguments(name, args).map(|()| escaped(&repr::text(input)))?,
        }))
    }
}
